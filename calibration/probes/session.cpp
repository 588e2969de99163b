#include "calibration/probes/session.h"

#include <algorithm>
#include <cstddef>

namespace tenk::probe {

Session::Session(Results& results, double seconds, Clock::time_point start)
    : results_(results), start_(start), seconds_(seconds) {}

double Session::elapsed() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

double Session::left() const { return seconds_ - elapsed(); }

bool Session::goes_on(double about_seconds) {
  if (elapsed() + about_seconds <= std::min(probe_end_, seconds_)) return true;
  ++refused_;
  return false;
}

void Session::skip(const std::string& what, const std::string& why) {
  results_.say("  skipped " + what + ": " + why);
  results_.meta("skipped." + std::to_string(++skips_), what + ": " + why);
}

void Session::attempt(const std::string& what, const std::function<void()>& work) {
  try {
    work();
  } catch (const NotPossible& reason) {
    skip(what, reason.what());
  }
}

void Session::finish(const std::string& name, const std::string& state, double begin) {
  const std::string prefix = "probe." + name + ".";
  const std::size_t rows = results_.held();
  if (state == "failed") {
    results_.drop();
  } else {
    results_.commit();
  }
  const double seconds = elapsed() - begin;
  results_.meta(prefix + "state", state);
  results_.meta(prefix + "rows", std::to_string(state == "failed" ? 0 : rows));
  results_.meta(prefix + "begin", number_text(begin), "s");
  results_.meta(prefix + "seconds", number_text(seconds), "s");
  results_.say(name + ": " + state + ", " + std::to_string(state == "failed" ? 0 : rows) +
               " rows in " + number_text(seconds) + " s");
}

bool Session::run(const std::string& name, double share, const std::function<void()>& probe) {
  const double begin = elapsed();
  if (left() <= 0) {
    skip(name, "no time left of " + number_text(seconds_) + " s");
    results_.meta("probe." + name + ".state", "skipped");
    return true;
  }
  refused_ = 0;
  probe_end_ = begin + share;
  try {
    probe();
  } catch (const FileError&) {
    throw;
  } catch (const NotPossible& reason) {
    skip(name, reason.what());
    finish(name, "skipped", begin);
    return true;
  } catch (const std::exception& fault) {
    ++failures_;
    results_.say("FAILED " + name + ": " + fault.what());
    results_.meta("probe." + name + ".reason", fault.what());
    finish(name, "failed", begin);
    return false;
  }
  if (refused_ > 0) {
    skip(std::to_string(refused_) + " more of " + name, "its time was over");
  }
  finish(name, refused_ > 0 ? "cut" : "done", begin);
  return true;
}

}  // namespace tenk::probe
