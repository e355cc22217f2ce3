# What a user's build calls: kac_add_model(TARGET model.dsl [DATA file...] [OPTIONS word...]) makes TARGET, a library to link,
# whose header is found by #include "model.h". DATA are the files that the program names, OPTIONS those of `kacc build`.
function(kac_add_model target program)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "DATA;OPTIONS")
  cmake_path(ABSOLUTE_PATH program NORMALIZE)
  cmake_path(GET program STEM stem)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.kac")
  set(library "${folder}/lib${stem}.a")
  list(TRANSFORM arg_DATA PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]")
  add_custom_command(OUTPUT "${library}" BYPRODUCTS "${folder}/${stem}.h" "${folder}/${stem}.hpp" "${folder}/${stem}.json"
    COMMAND Kac::kacc build "${program}" -o "${folder}" ${arg_OPTIONS}
    DEPENDS "${program}" ${arg_DATA} Kac::kacc VERBATIM COMMENT "Building the sampler library of ${stem}.dsl")
  add_custom_target(${target}-library DEPENDS "${library}")
  file(MAKE_DIRECTORY "${folder}")
  find_package(Threads REQUIRED)
  add_library(${target} INTERFACE)
  add_dependencies(${target} ${target}-library)
  target_include_directories(${target} INTERFACE "${folder}")
  target_link_libraries(${target} INTERFACE "${library}" Threads::Threads m)
endfunction()
