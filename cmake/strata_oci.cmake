# strata-oci: a static program, for an engine starts it for every step of every container, and loading libraries would take
# longer than the step. Debian has no static fmt, so its one source file is made here; of the rooms only the archives are
# taken, not what they link for other programs' sake (loggers, event loops).
add_library(strata_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/fmt.cpp)

file(GLOB oci_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/oci/*.cpp)
list(FILTER oci_sources EXCLUDE REGEX "_test\\.cpp$")
add_executable(strata-oci ${oci_sources})
set_target_properties(strata-oci PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} POSITION_INDEPENDENT_CODE OFF)
target_include_directories(strata-oci PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(strata-oci PRIVATE STRATA_VERSION="${PROJECT_VERSION}")
add_dependencies(strata-oci strata_container strata_base)
if(STRATA_SANITIZE)  # a sanitizer's runtime is shared
  target_compile_definitions(strata-oci PRIVATE STRATA_SANITIZED)
else()
  target_link_options(strata-oci PRIVATE -static -Wl,--gc-sections)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_link_options(strata-oci PRIVATE -Wl,--entry=strata_oci_begin)  # src/oci/first_instructions.cpp
  endif()
endif()
target_link_libraries(strata-oci PRIVATE
  $<TARGET_FILE:strata_container> $<TARGET_FILE:strata_base> strata_fmt seccomp)
