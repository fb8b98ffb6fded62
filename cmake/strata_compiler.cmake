# Compiler flags for everything: warnings, optimization, sanitizers, and faster tools where the machine has them.
# Fields left out of a designated initializer have their defaults on purpose.
add_compile_options(-Wall -Wextra -Wshadow -Wno-missing-field-initializers)

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")  # assertions stay: STRATA_ASSERT is active in every build
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

# All code ends up in programs, where no function is replaced by another library's: so calls inside a file may be inlined,
# and variables are reached without a table.
set(CMAKE_CXX_COMPILE_OPTIONS_PIC "-fPIE")

option(STRATA_SANITIZE "Build with the address and undefined behaviour sanitizers" OFF)
if(STRATA_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(STRATA_CCACHE ccache)
if(STRATA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${STRATA_CCACHE})
endif()

find_program(STRATA_MOLD mold)
if(STRATA_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
