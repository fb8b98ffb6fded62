// Files of the system that is being set up.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace strata::init {

/// Zeroed memory that stays to the end; nullptr: there is none left.
void* allocate(std::size_t size);

/// The whole content, in memory of its own. Empty: the file cannot be read, or is empty.
std::span<char> read_file(const char* path);

/// Writes a file anew, with the folder /etc above it if need be; what fails is said.
void write_system_file(const char* path, std::string_view content);

/// Calls for each name in the folder but those that begin with a dot, sorted by octets.
void for_each_name(const char* folder, void (*call)(const char* name));

}  // namespace strata::init
