# How folders become targets.

# find_package that says what to install.
macro(tenk_find package debian)
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR "tenk needs ${package} (Debian package ${debian}). "
                        "scripts/install installs everything that is missing.")
  endif()
endmacro()

# The same for a library known to pkg-config: defines PkgConfig::<prefix>.
macro(tenk_find_module prefix module debian)
  pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "tenk needs ${module} (Debian package ${debian}). "
                        "scripts/install installs everything that is missing.")
  endif()
endmacro()

# All .cpp below `folder`, less the paths that start with one of the further arguments.
function(tenk_sources out folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
       ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  foreach(prefix IN LISTS ARGN)
    list(FILTER files EXCLUDE REGEX "^${prefix}")
  endforeach()
  list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/)
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# tenk_folder(name folder [SOURCES more...] [EXCLUDE prefix...] [PUBLIC lib...] [PRIVATE lib...]):
# the static library of a folder. A folder without a .cpp yet is an interface of its links.
function(tenk_folder name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;EXCLUDE;PUBLIC;PRIVATE")
  tenk_sources(files ${folder} ${arg_EXCLUDE})
  if(files OR arg_SOURCES)
    add_library(${name} STATIC ${files} ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  endif()
endfunction()

# The same for a program; no target while its folder has no .cpp.
function(tenk_program name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "PRIVATE")
  tenk_sources(files ${folder})
  if(files)
    add_executable(${name} ${files})
    target_link_libraries(${name} PRIVATE ${arg_PRIVATE})
  else()
    message(STATUS "${folder} has no .cpp yet: no program ${name}")
  endif()
endfunction()

# Sets `out` to a generated .cpp that holds all profiles/**/*.yaml (sim/base/embedded.h). The list
# of files is itself a file, so that a profile that was removed makes it anew too.
function(tenk_embed_profiles out)
  file(GLOB_RECURSE profiles CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
       ${PROJECT_SOURCE_DIR}/profiles/*.yaml)
  list(SORT profiles COMPARE STRING)
  set(list ${PROJECT_BINARY_DIR}/generated/profile_list.txt)
  set(generated ${PROJECT_BINARY_DIR}/generated/profile_data.cpp)
  file(CONFIGURE OUTPUT ${list} CONTENT "${profiles}" @ONLY)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  list(TRANSFORM profiles PREPEND ${PROJECT_SOURCE_DIR}/)
  add_custom_command(
    OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DLIST=${list} -DOUT=${generated}
            -P ${script}
    DEPENDS ${list} ${script} ${profiles}
    COMMENT "Embedding profiles"
    VERBATIM)
  set(${out} ${generated} PARENT_SCOPE)
endfunction()
