# cmake -DROOT=dir -DLIST=file -DOUT=file -P embed.cmake: writes the files of LIST (paths below
# ROOT, one CMake list) as the C++ that sim/base/embedded.h declares. String literals stay below
# 16 KB, the least that compilers promise; they are cut after a line where there is one.
set(kMaxLiteral 15000)

function(append_literals out text)
  set(code "")
  string(LENGTH "${text}" left)
  while(left GREATER 0)
    set(cut ${left})
    if(left GREATER kMaxLiteral)
      string(SUBSTRING "${text}" 0 ${kMaxLiteral} head)
      string(FIND "${head}" "\n" newline REVERSE)
      set(cut ${kMaxLiteral})
      if(newline GREATER_EQUAL 0)
        math(EXPR cut "${newline} + 1")
      endif()
    endif()
    string(SUBSTRING "${text}" 0 ${cut} head)
    string(SUBSTRING "${text}" ${cut} -1 text)
    string(APPEND code "\n     R\"tenk(${head})tenk\"")
    string(LENGTH "${text}" left)
  endwhile()
  set(${out} "${code}" PARENT_SCOPE)
endfunction()

file(READ "${LIST}" files)
list(LENGTH files count)
set(body "")
foreach(path IN LISTS files)
  file(READ "${ROOT}/${path}" text)
  if(text MATCHES "\\)tenk\"")
    message(FATAL_ERROR "${path}: the text )tenk\" ends the literal it is embedded in")
  endif()
  append_literals(literals "${text}")
  string(APPEND body "    {\"${path}\",${literals} \"\"sv},\n")
endforeach()

file(WRITE "${OUT}" "// Made by cmake/embed.cmake from profiles/.
#include \"sim/base/embedded.h\"

namespace tenk {
namespace {
using namespace std::literals;
constexpr EmbeddedFile kFiles[] = {
${body}    {},
};
}  // namespace

std::span<const EmbeddedFile> embedded_files() { return {kFiles, ${count}}; }
}  // namespace tenk
")
