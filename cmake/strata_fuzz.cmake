# strata_fuzz(): a fuzz target under tests/fuzz, with libFuzzer where the compiler is clang, else with our own driver.
option(STRATA_FUZZ "Measure coverage in all rooms, to guide the fuzz targets (preset fuzz)" OFF)
add_custom_target(fuzz_targets)  # all of them: what `./dev fuzz` builds

if(STRATA_FUZZ AND CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(STRATA_LIBFUZZER ON)
endif()

# What makes the compiler put coverage feedback into code. The driver, which receives it, must be built without.
set(STRATA_COVERAGE_FLAGS "")
if(STRATA_LIBFUZZER)
  set(STRATA_COVERAGE_FLAGS -fsanitize=fuzzer-no-link)
elseif(STRATA_FUZZ)
  set(STRATA_COVERAGE_FLAGS -fsanitize-coverage=trace-pc)
endif()

# strata_fuzz(NAME DEPS room...): builds NAME_fuzz from NAME_fuzz.cpp, which defines LLVMFuzzerTestOneInput. In every
# preset the default tests run it on its corpus (tests/fuzz/corpus/NAME_fuzz/, where found crashers are kept) and on a
# few thousand inputs of a fixed seed, so that no target rots; `./dev fuzz` runs it for long and with sanitizers.
function(strata_fuzz name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  set(target ${name}_fuzz)
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${target})
  add_executable(${target} ${target}.cpp)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  add_dependencies(fuzz_targets ${target})
  target_compile_options(${target} PRIVATE ${STRATA_COVERAGE_FLAGS})
  if(STRATA_LIBFUZZER)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    strata_link(${target} PRIVATE strata::fuzz_driver)
  endif()
  strata_link(${target} PRIVATE ${ARG_DEPS})
  if(NOT EXISTS ${corpus})
    set(corpus "")
  endif()
  add_test(NAME fuzz.${name} COMMAND ${target} -runs=3000 -seed=1 ${corpus})
  set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120)
endfunction()
