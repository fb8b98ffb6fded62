# strata-init: a static program without any library, for it lies in the memory of every container and machine that has it,
# and is read before anything else there is. Its parts that only compute are tested as ordinary code.
file(GLOB init_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/init/*.cpp)
set(init_tests ${init_sources})
list(FILTER init_tests INCLUDE REGEX "_test\\.cpp$")
list(FILTER init_sources EXCLUDE REGEX "_test\\.cpp$")

add_executable(strata-init ${init_sources})
set_target_properties(strata-init PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} POSITION_INDEPENDENT_CODE OFF)
target_include_directories(strata-init PRIVATE ${CMAKE_SOURCE_DIR}/src)
# Sanitizers and coverage need a library.
target_compile_options(strata-init PRIVATE -Os -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector
  -fno-threadsafe-statics -fno-asynchronous-unwind-tables -fcf-protection=none
  -fno-sanitize=all)
target_link_options(strata-init PRIVATE -static -nostdlib -no-pie -fno-sanitize=all -Wl,--gc-sections -Wl,--build-id=none
  -Wl,-z,noseparate-code -s)

# What a machine is told is written by control/ and read here: one definition of the file's form.
add_library(strata_init_spec STATIC ${CMAKE_SOURCE_DIR}/src/init/spec.cpp)
add_library(strata::init_spec ALIAS strata_init_spec)
target_include_directories(strata_init_spec PUBLIC ${CMAKE_SOURCE_DIR}/src)

add_executable(init_test ${init_tests} ${CMAKE_SOURCE_DIR}/src/init/dhcp.cpp ${CMAKE_SOURCE_DIR}/src/init/users.cpp)
strata_link(init_test PRIVATE strata::init_spec GTest::gmock GTest::gtest_main)
strata_register_gtest(init_test)
