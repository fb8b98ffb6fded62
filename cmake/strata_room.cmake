# strata_room(): one folder under src/ becomes one library, with the tests and benchmarks that stand beside its code.
include(GoogleTest)

# The target of a room ("isa/x86" is strata::isa_x86) or of an outside library (its name has "::" already).
function(strata_target_of out name)
  if(name MATCHES "::")
    set(${out} ${name} PARENT_SCOPE)
  else()
    string(REPLACE "/" "_" flat ${name})
    set(${out} strata::${flat} PARENT_SCOPE)
  endif()
endfunction()

function(strata_link target scope)
  foreach(name IN LISTS ARGN)
    strata_target_of(dependency ${name})
    target_link_libraries(${target} ${scope} ${dependency})
  endforeach()
endfunction()

# Tests whose name contains "Slow" get ctest's label `slow` and stay out of the default run.
function(strata_register_gtest target)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${target}."
    TEST_FILTER "-*Slow*" WORKING_DIRECTORY ${CMAKE_BINARY_DIR} PROPERTIES TIMEOUT 120)
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 TEST_PREFIX "${target}."
    TEST_FILTER "*Slow*" WORKING_DIRECTORY ${CMAKE_BINARY_DIR} PROPERTIES TIMEOUT 3600 LABELS slow)
endfunction()

# strata_room(NAME                the folder under src/, also the namespace
#   [DEPS room...]                rooms it may include, as in ARCHITECTURE.md (tools/check_includes.py checks the files)
#   [LIBS target...]              outside libraries
#   [SUBDIRS folder...]           folders inside that belong to this room
#   [RECURSE]                     every folder inside belongs to this room
#   [PROGRAM name]                main.cpp becomes this program at the top of the build folder
#   [TEST_DEPS room-or-target...] what only the tests and benchmarks need)
#
# Files are found by their place: *_test.cpp, *_bench.cpp, and all other *.cpp make the library. A room without sources
# is a library of headers. A room whose folder does not exist yet is empty, so that rooms can be named before they are.
function(strata_room room)
  cmake_parse_arguments(ARG "RECURSE" "PROGRAM" "DEPS;LIBS;SUBDIRS;TEST_DEPS" ${ARGN})
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "strata_room(${room}): unknown arguments ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  string(REPLACE "/" "_" name ${room})
  set(folder ${CMAKE_SOURCE_DIR}/src/${room})

  if(ARG_RECURSE)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  else()
    set(patterns ${folder}/*.cpp)
    foreach(subdir IN LISTS ARG_SUBDIRS)
      list(APPEND patterns ${folder}/${subdir}/*.cpp)
    endforeach()
    file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  endif()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(benches ${sources})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench)\\.cpp$")
  if(ARG_PROGRAM)
    list(REMOVE_ITEM sources ${folder}/main.cpp)
  endif()

  if(sources)
    add_library(strata_${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(strata_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(strata::${name} ALIAS strata_${name})
  target_include_directories(strata_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  strata_link(strata_${name} ${scope} ${ARG_DEPS} ${ARG_LIBS})

  if(ARG_PROGRAM AND EXISTS ${folder}/main.cpp)
    add_executable(${ARG_PROGRAM} ${folder}/main.cpp)
    target_link_libraries(${ARG_PROGRAM} PRIVATE strata_${name})
    set_target_properties(${ARG_PROGRAM} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  endif()
  if(tests)
    add_executable(${name}_test ${tests})
    strata_link(${name}_test PRIVATE ${room} ${ARG_TEST_DEPS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE STRATA_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    strata_register_gtest(${name}_test)
  endif()
  if(benches)
    add_executable(${name}_bench ${benches})
    strata_link(${name}_bench PRIVATE ${room} ${ARG_TEST_DEPS} benchmark::benchmark_main)
  endif()
endfunction()
