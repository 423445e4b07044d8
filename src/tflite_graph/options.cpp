#include "tflite_graph/options.h"

namespace calib8::tflite {

Options::Options() = default;
Options::Options(const Options&) = default;
Options::Options(Options&&) noexcept = default;
Options& Options::operator=(const Options&) = default;
Options& Options::operator=(Options&&) noexcept = default;
Options::~Options() = default;

bool operator==(const Options& a, const Options& b) {
  return static_cast<const AnyOptions&>(a) == static_cast<const AnyOptions&>(b);
}

}  // namespace calib8::tflite
