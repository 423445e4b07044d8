#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace calib8 {

/// A JSON object that becomes text when it is asked for: it names every sample that was used, and there may
/// be many. A copy costs as much as the object without these lists.
class Report {
 public:
  using Sink = std::function<void(std::string_view part)>;

  Report() = default;
  explicit Report(std::function<void(const Sink&)> source) : source_(std::move(source)) {}

  /// Hands the text to `sink` in parts: the object, indented, and a newline. The first part begins with "{".
  void write(const Sink& sink) const {
    if (source_) source_(sink);
  }

  std::string text() const {
    std::string text;
    write([&](std::string_view part) { text += part; });
    return text;
  }

 private:
  std::function<void(const Sink&)> source_;
};

}  // namespace calib8
