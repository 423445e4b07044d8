#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace calib8 {

/// An object in a picture; in pixels of the model's input.
struct PreviewBox {
  std::string name;
  int class_index = 0;  ///< Chooses the colour.
  double left = 0, top = 0, width = 0, height = 0;
};

/// One sample as the model sees it.
struct PreviewSample {
  std::string path, label, note;   ///< Empty: not shown.
  std::string media_type;          ///< "image/png"
  std::vector<std::byte> picture;  ///< A file of that type.
  std::vector<PreviewBox> boxes;
};

/// A bar of the histogram.
struct PreviewBar {
  std::string name;
  std::size_t count = 0;
};

struct PreviewPage {
  std::string title, subtitle;
  std::vector<std::pair<std::string, std::string>> facts;  ///< A word and what is said of it.
  std::vector<std::string> notes, warnings;
  std::string bars_title;
  std::vector<PreviewBar> bars;
  std::size_t more_bars = 0;  ///< That are left out.
  int height = 0, width = 0;  ///< Of the model's input, in pixels.
  std::string samples_title;
  std::vector<PreviewSample> samples;
};

/// One HTML page that refers to nothing outside itself and runs no script. All text is taken as text,
/// whatever characters it holds; what isn't UTF-8 is replaced. Legible from 320 pixels of width on, light and
/// dark.
std::string to_html(const PreviewPage& page);

}  // namespace calib8
