#include "pipeline/preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/parallel.h"
#include "base/text.h"
#include "calib8/error.h"
#include "image/encode.h"
#include "image/place_box.h"
#include "image/resize.h"
#include "pipeline/representative_dataset.h"
#include "report/preview_page.h"
#include "write/atomic_file.h"

namespace calib8 {
namespace {

/// Classes in the histogram, boxes in a picture: more can't be made out.
constexpr std::size_t most_bars = 24;
constexpr std::size_t most_boxes = 100;
/// Larger pictures are reduced, so that the file stays of a size to be mailed.
constexpr int largest_side = 384;
/// Up to so many pixels a picture is kept exactly (PNG); larger ones are JPEG.
constexpr int most_exact_pixels = 64 * 64;
constexpr int jpeg_quality = 88;

Image reduced(Image image) {
  const int side = std::max(image.height, image.width);
  if (side <= largest_side) return image;
  const auto shorter = [&](int length) {
    return std::max(1, static_cast<int>(static_cast<std::int64_t>(length) * largest_side / side));
  };
  return resize(image, shorter(image.height), shorter(image.width));
}

void set_picture(PreviewSample& sample, const Image& image) {
  const Image shown = reduced(image);
  const bool exact = shown.height * shown.width <= most_exact_pixels;
  sample.media_type = exact ? "image/png" : "image/jpeg";
  sample.picture = exact ? encode_png(shown) : encode_jpeg(shown, jpeg_quality);
}

/// The whole range of an array's values as 0 to 255.
Image picture_of(const Tensor& array) {
  const auto values = array.as<float>();
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const float range = *most > *least ? *most - *least : 1;
  Image image{static_cast<int>(array.shape[2]), static_cast<int>(array.shape[1]), {}};
  const std::size_t repeat = array.shape[3] == 1 ? 3 : 1;
  for (const float value : values) {
    const auto level = static_cast<std::uint8_t>(std::lround((value - *least) / range * 255));
    image.pixels.insert(image.pixels.end(), repeat, level);
  }
  return image;
}

void add_boxes(const RepresentativeData& data, const ImageEntry& entry, const Image& image,
               PreviewSample& sample) {
  if (!data.folder->listing.annotations) return;
  try {
    const Preprocessing& p = data.preprocessing->steps;
    const std::vector<Box> boxes = data.folder->listing.annotations->read_boxes(entry);
    for (const Box& box : boxes) {
      if (sample.boxes.size() == most_boxes) {
        sample.note = fmt::format("{} of {} boxes are drawn", most_boxes, boxes.size());
        break;
      }
      const auto placed = place_box(box, image.height, image.width, p);
      if (!placed) continue;
      sample.boxes.push_back({object_name(data, box.class_index), box.class_index,
                              double{placed->x - placed->width / 2} * p.width,
                              double{placed->y - placed->height / 2} * p.height,
                              double{placed->width} * p.width, double{placed->height} * p.height});
    }
    if (sample.note.empty() && boxes.empty()) sample.note = "no object is marked";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::dataset) throw;
    sample.note = error.what();
  }
}

PreviewSample preview_sample(const RepresentativeData& data, std::size_t index) {
  const DrawnSample drawn = drawn_sample(data, index);
  PreviewSample sample;
  sample.path = drawn.entry.relative_path;
  const auto* arrays = std::get_if<SampleSets<ArrayFileSource>>(&data.files);
  if (arrays && arrays->calibration->arrays()[index].file->rows() > 1)
    sample.path += fmt::format("[{}]", *drawn.row);
  if (drawn.entry.label)
    sample.label = data.folder->listing.class_names.at(static_cast<std::size_t>(*drawn.entry.label));
  if (!data.preprocessing) {
    set_picture(sample, picture_of(data.samples.calibration->load(index).inputs.at(data.inputs[0].name)));
    return sample;
  }
  const Preprocessing& steps = data.preprocessing->steps;
  const auto& images = std::get<SampleSets<ImageSource>>(data.files);
  const Image image = read_again(*images.calibration->used(), index, {steps.exif_orientation});
  set_picture(sample, fit_image(image, steps));
  add_boxes(data, drawn.entry, image, sample);
  return sample;
}

/// Height and width of what is shown. Fails where arrays are no pictures.
std::pair<int, int> picture_size(const RepresentativeData& data) {
  const Shape& shape = data.inputs[0].shape;
  const bool is_picture = data.inputs.size() == 1 && shape.size() == 4 && (shape[3] == 1 || shape[3] == 3) &&
                          shape[1] <= 16384 && shape[2] <= 16384 && shape[1] > 0 && shape[2] > 0;
  if (is_picture) return {static_cast<int>(shape[1]), static_cast<int>(shape[2])};
  throw Error(ErrorCode::usage,
              fmt::format("shows pictures, and the samples are arrays {}: leave it out", to_string(shape)),
              "--preview");
}

void add_classes(const RepresentativeData& data, PreviewPage& page) {
  std::vector<std::string> failures;
  std::vector<ClassCount> classes = count_classes(data, failures);
  page.bars_title =
      data.folder->listing.annotations ? "Objects in the samples, by class" : "Samples by class";
  page.more_bars = classes.size() > most_bars ? classes.size() - most_bars : 0;
  classes.resize(classes.size() - page.more_bars);
  for (ClassCount& count : classes) page.bars.push_back({std::move(count.name), count.samples});
  if (!failures.empty())
    page.warnings.push_back(
        fmt::format("{} label files can't be read, the first: {}", failures.size(), failures[0]));
}

void add_facts(const RepresentativeData& data, PreviewPage& page) {
  if (data.preprocessing) {
    const auto& [steps, from] = *data.preprocessing;
    page.facts.emplace_back("Preprocessing", describe(steps));
    page.facts.emplace_back("Declared as", fmt::format("{} ({})", steps.name, from));
  } else {
    page.facts.emplace_back("Arrays",
                            fmt::format("{} float32, fed as they are; each is shown from its least to its "
                                        "largest value",
                                        to_string(data.inputs[0].shape)));
  }
  if (data.findings.quality) {
    std::string lines;
    for (const std::string& line : to_lines(*data.findings.quality)) {
      if (!line.starts_with("warning: ")) lines += (lines.empty() ? "" : "; ") + line;
    }
    page.facts.emplace_back("Quality", lines);
  }
  if (data.preprocessing && data.preprocessing->steps.channel_order == ChannelOrder::bgr) {
    page.notes.emplace_back(
        "The model gets the channels as BGR, blue first. The pictures stand here in natural colours: what "
        "looks wrong "
        "here is wrong in the files.");
  }
  if (std::max(page.height, page.width) > largest_side)
    page.notes.push_back(
        fmt::format("The pictures are reduced to {} pixels to keep this file small.", largest_side));
}

}  // namespace

void write_preview(const RepresentativeData& data, const std::filesystem::path& path, std::size_t most,
                   int threads) {
  PreviewPage page;
  std::tie(page.height, page.width) = picture_size(data);
  AtomicFile file(path);
  page.title = "Representative data";
  page.subtitle = fmt::format("{}: {}", data.folder->path.string(), data.folder->listing.layout);
  page.warnings = data.findings.warnings;
  page.notes = data.findings.notes;
  add_facts(data, page);
  add_classes(data, page);
  page.samples.resize(std::min(most, data.samples.calibration->size()));
  page.samples_title =
      page.samples.size() == data.samples.calibration->size()
          ? fmt::format("All {} samples, as the model sees them: {}x{} pixels (height x width)",
                        page.samples.size(), page.height, page.width)
          : fmt::format("{} of {} samples, as the model sees them: {}x{} pixels (height x width)",
                        page.samples.size(), data.samples.calibration->size(), page.height, page.width);
  parallel_for(page.samples.size(), threads,
               [&](int, std::size_t i) { page.samples[i] = preview_sample(data, i); });
  const std::string text = to_html(page);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace calib8
