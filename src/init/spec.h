// What a machine's first process is told: which disk is the root, and what runs on it (docs/formats/init.md).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace strata::init {

/// The file's place in the initrd.
inline constexpr const char* spec_path = "/strata-init.spec";

/// Texts end with a zero, as the kernel wants them, and lie in the file's content.
struct Spec {
  const char* root = nullptr;         ///< the device, /dev/vda
  const char* type = "ext4";          ///< its file system
  const char* init = nullptr;         ///< what becomes the first process of that system; else the program below runs
  const char* host_name = nullptr;    ///< none: the system's own business
  const char* directory = "/";        ///< of the program
  const char* user = "";              ///< USER[:GROUP], names or numbers; empty: root
  bool network = false;               ///< every card asks for its address by DHCP
  const char* console = nullptr;      ///< the program's standard input and outputs; none: the kernel's console
  const char* errors = nullptr;       ///< of its own for standard error
  bool terminal = false;              ///< a user sits at the console: lines are edited, keys make signals
  unsigned rows = 0, columns = 0;     ///< of that terminal; 0: not known
  std::optional<unsigned> exit_port;  ///< where the program's end is told, as 32 bits; none: the machine goes off
  char** arguments = nullptr;         ///< of init or program, the program itself first; ends with a null pointer
  char** environment = nullptr;       ///< of the program; the same
};

/// How many pointers read_spec() needs.
std::size_t pointers_in(std::string_view content);

/// Reads "key=value" records, each ended by a zero. nullopt: it is damaged, or says things that this program does not
/// know. `pointers` has room for pointers_in(content).
std::optional<Spec> read_spec(std::span<char> content, std::span<char*> pointers);

}  // namespace strata::init
