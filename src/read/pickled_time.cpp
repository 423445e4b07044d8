#include "read/pickled_time.h"

#include <fmt/format.h>

#include <cmath>

#include "read/pickled_objects.h"

namespace calib8 {
namespace {

constexpr std::size_t longest_state = 10;  // bytes, of a datetime

/// Seconds of a timedelta(days, seconds, microseconds).
std::optional<double> seconds_of(const Pickle& pickle, PickleId id) {
  if (!is_made_by(pickle, id, "datetime", "timedelta")) return std::nullopt;
  constexpr double units[] = {86400.0, 1.0, 1e-6};
  const auto& arguments = arguments_of(pickle, id);
  if (arguments.size() > std::size(units)) return std::nullopt;
  double seconds = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto count = integer_in(pickle, arguments[i]);
    if (!count) return std::nullopt;
    seconds += units[i] * static_cast<double>(*count);
  }
  return seconds;
}

/// "+02:00" of a timezone(timedelta); empty for other values.
std::string offset_of(const Pickle& pickle, PickleId id) {
  const auto& arguments = arguments_of(pickle, id);
  if (!is_made_by(pickle, id, "datetime", "timezone") || arguments.empty()) return {};
  const auto seconds = seconds_of(pickle, arguments[0]);
  if (!seconds || std::abs(*seconds) >= 86400) return {};
  const int minutes = static_cast<int>(std::abs(*seconds)) / 60;
  return fmt::format("{}{:02}:{:02}", *seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/// Hours, minutes, seconds and big-endian microseconds in 6 bytes.
std::string clock_text(std::string_view state) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(state[i]));
  };
  const unsigned microseconds = byte(3) << 16 | byte(4) << 8 | byte(5);
  // The top bit of the hour marks the second of two equal hours.
  std::string text = fmt::format("{:02}:{:02}:{:02}", byte(0) & 0x7f, byte(1), byte(2));
  if (microseconds != 0) text += fmt::format(".{:06}", microseconds);
  return text;
}

/// A big-endian year, month and day in 4 bytes.
std::string date_text(std::string_view state) {
  const auto byte = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(state[i]));
  };
  // In a datetime the top bit of the month marks the second of two equal hours.
  return fmt::format("{:04}-{:02}-{:02}", byte(0) << 8 | byte(1), byte(2) & 0x7f, byte(3));
}

}  // namespace

std::optional<nlohmann::json> read_pickled_time(const Pickle& pickle, PickleId id) {
  const auto& arguments = arguments_of(pickle, id);
  const PickleGlobal* maker = maker_of(pickle, id);
  if (maker->name == "timezone") {
    const std::string offset = offset_of(pickle, id);
    return offset.empty() ? std::nullopt : std::optional<nlohmann::json>(offset);
  }
  if (maker->name == "timedelta") {
    const auto seconds = seconds_of(pickle, id);
    return seconds ? std::optional<nlohmann::json>(*seconds) : std::nullopt;
  }
  const auto state = arguments.empty() ? std::nullopt : bytes_in(pickle, arguments[0], longest_state);
  if (!state) return std::nullopt;
  const std::string offset = arguments.size() > 1 ? offset_of(pickle, arguments[1]) : "";
  const std::string_view bytes = *state;
  if (maker->name == "date" && bytes.size() == 4) return date_text(bytes);
  if (maker->name == "time" && bytes.size() == 6) return clock_text(bytes) + offset;
  if (maker->name == "datetime" && bytes.size() == 10)
    return date_text(bytes) + "T" + clock_text(bytes.substr(4)) + offset;
  return std::nullopt;
}

}  // namespace calib8
