# How our targets are made: warnings as errors, includes from the root, and a second, sanitized copy where asked for.

set(KAC_SANITIZERS -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g1)

add_library(KacOptions INTERFACE)
target_include_directories(KacOptions INTERFACE "${PROJECT_SOURCE_DIR}")
target_include_directories(KacOptions SYSTEM INTERFACE "${PROJECT_BINARY_DIR}")
target_compile_options(KacOptions INTERFACE -Wall -Wextra -Wpedantic -Werror "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
if(KAC_SANITIZE)
  add_compile_options(${KAC_SANITIZERS})
  add_link_options(${KAC_SANITIZERS})
endif()

# kac_library(NAME SOURCES file... [LINKS target...] [SANITIZED]): a static library of ours. SANITIZED adds
# NAMESanitized, whose links are the sanitized copies of those of LINKS that have one.
function(kac_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SANITIZED" "" "SOURCES;LINKS")
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC KacOptions ${arg_LINKS})
  if(arg_SANITIZED AND KAC_TESTS AND NOT KAC_SANITIZE)
    add_library(${name}Sanitized STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    kac_sanitize(${name}Sanitized ${arg_LINKS})
  endif()
endfunction()

# Links TARGET to LINKS, sanitized where they come so, and compiles it under the sanitizers.
function(kac_sanitize target)
  target_compile_options(${target} PUBLIC ${KAC_SANITIZERS} -O1)
  target_link_options(${target} PUBLIC ${KAC_SANITIZERS})
  target_link_libraries(${target} PUBLIC KacOptions)
  foreach(link ${ARGN})
    if(TARGET ${link}Sanitized)
      set(link ${link}Sanitized)
    endif()
    target_link_libraries(${target} PUBLIC ${link})
  endforeach()
endfunction()
