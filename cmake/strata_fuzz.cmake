# strata_fuzz(): a fuzz target under tests/fuzz, with libFuzzer where the compiler is clang, else with our own driver.
function(strata_fuzz name)
endfunction()
