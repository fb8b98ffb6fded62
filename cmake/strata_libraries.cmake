# The libraries from Debian that rooms may link. `./dev deps` installs them all.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

find_package(fmt REQUIRED)            # fmt::fmt
find_package(spdlog REQUIRED)         # spdlog::spdlog
find_package(tl-expected REQUIRED)    # tl::expected
find_package(CLI11 REQUIRED)          # CLI11::CLI11
find_package(tomlplusplus REQUIRED)   # tomlplusplus::tomlplusplus
find_package(nlohmann_json REQUIRED)  # nlohmann_json::nlohmann_json
find_package(zydis REQUIRED)          # Zydis::Zydis
find_package(asmjit REQUIRED)         # asmjit::asmjit
find_package(LibArchive REQUIRED)     # LibArchive::LibArchive
find_package(CURL 7.85 REQUIRED)       # CURL::libcurl
find_package(OpenSSL REQUIRED)        # OpenSSL::Crypto, OpenSSL::SSL
find_package(ZLIB REQUIRED)           # ZLIB::ZLIB
find_package(GTest REQUIRED)          # GTest::gtest_main, GTest::gmock
find_package(benchmark REQUIRED)      # benchmark::benchmark_main
pkg_check_modules(slirp REQUIRED IMPORTED_TARGET GLOBAL slirp)        # PkgConfig::slirp
pkg_check_modules(unicorn REQUIRED IMPORTED_TARGET GLOBAL unicorn)    # PkgConfig::unicorn, tests only
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET GLOBAL libzstd)       # PkgConfig::zstd
pkg_check_modules(isal REQUIRED IMPORTED_TARGET GLOBAL libisal)       # PkgConfig::isal, a faster gzip
pkg_check_modules(lzma REQUIRED IMPORTED_TARGET GLOBAL liblzma)       # PkgConfig::lzma
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET GLOBAL libseccomp) # PkgConfig::seccomp
pkg_check_modules(lz4 REQUIRED IMPORTED_TARGET GLOBAL liblz4)         # PkgConfig::lz4

# asio is headers only and Debian ships no CMake file for it. It decides by what was included before it whether memory
# comes from aligned_alloc or from new, and two files that differ there free with the wrong one: so the choice is made here.
add_library(strata_asio INTERFACE)
add_library(asio::asio ALIAS strata_asio)
target_compile_definitions(strata_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
  ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(strata_asio INTERFACE Threads::Threads)
