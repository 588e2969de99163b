#include "sim/engine/simgrid/helper.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "sim/base/error.h"

namespace tenk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "tenk-simgrid";

[[noreturn]] void fail(const std::string& why) {
  throw Error(ErrorKind::kFile, fmt::format("engine simgrid: {}", why));
}

fs::path find_program() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  fs::path program = self.parent_path() / kProgram;
  if (error || access(program.c_str(), X_OK) != 0) {
    fail(fmt::format("found no program {} in {}, expected it beside tenk (the build target {})",
                     kProgram, self.parent_path().string(), kProgram));
  }
  return program;
}

// The helper, at the other end of a socket. Destroyed, it is gone.
class Process {
 public:
  explicit Process(const fs::path& program) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      fail("no socket to its helper");
    }
    socket_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string name = kProgram;
    const std::array<char*, 2> arguments = {name.data(), nullptr};
    const int error =
        posix_spawn(&id_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
      close(socket_);
      fail(fmt::format("{} does not start", program.string()));
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    close(socket_);
    if (reaped_) return;
    kill(id_, SIGKILL);
    reap();
  }

  // False if the helper no longer listens.
  bool write(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return shutdown(socket_, SHUT_WR) == 0;
  }

  // All that it writes until it closes.
  std::vector<char> read() {
    std::vector<char> all;
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t got = recv(socket_, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return all;
      all.insert(all.end(), buffer.begin(), buffer.begin() + got);
    }
  }

  // How it ended: waits for that.
  int reap() {
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {}
    reaped_ = true;
    return status;
  }

 private:
  int socket_ = -1;
  pid_t id_ = 0;
  bool reaped_ = false;
};

std::vector<char> framed(const std::vector<char>& message) {
  const std::uint64_t size = message.size();
  std::vector<char> bytes(sizeof(size) + message.size());
  std::memcpy(bytes.data(), &size, sizeof(size));
  std::copy(message.begin(), message.end(), bytes.begin() + sizeof(size));
  return bytes;
}

std::optional<simgrid_protocol::Answer> read_answer(const std::vector<char>& bytes) {
  std::uint64_t size = 0;
  if (bytes.size() < sizeof(size)) return std::nullopt;
  std::memcpy(&size, bytes.data(), sizeof(size));
  if (size != bytes.size() - sizeof(size)) return std::nullopt;
  try {
    return simgrid_protocol::unpack<simgrid_protocol::Answer>(
        std::span(bytes).subspan(sizeof(size)));
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

std::string end_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with code {}", WEXITSTATUS(status));
}

}  // namespace

simgrid_protocol::Answer ask_simgrid(const simgrid_protocol::Job& job) {
  Process process(find_program());
  process.write(framed(pack(job)));  // Whoever does not listen has no answer either.
  const std::optional<simgrid_protocol::Answer> answer = read_answer(process.read());
  const int status = process.reap();
  if (!answer) fail(fmt::format("its helper {} {} before it answered", kProgram, end_of(status)));
  if (!answer->fault.empty()) fail(fmt::format("its helper failed: {}", answer->fault));
  return *answer;
}

}  // namespace tenk
