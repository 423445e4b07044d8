#pragma once

#include <string>
#include <string_view>

namespace calib8 {

/// Opens the null device in the place of standard streams that are closed, so that no other file gets their
/// numbers and is written over by messages. Reading or writing a stream that was closed fails, as before.
void fill_closed_standard_streams() noexcept;

/// Writes the text to standard error as it is. What can't be written is lost: nowhere is left to say so.
void write_standard_error(std::string_view text) noexcept;

/// Standard output in parts, through a buffer. The reader may have seen enough and closed it (`| head`),
/// which is no failure: the rest is dropped.
class StandardOutput {
 public:
  /// Fails with ErrorCode::output where standard output is closed or full.
  void write(std::string_view text);
  /// Hands on what is held; likewise. To be called at the end.
  void flush();

 private:
  std::string held_;
  bool dropped_ = false;
};

/// All of a text at once.
void write_standard_output(std::string_view text);

}  // namespace calib8
