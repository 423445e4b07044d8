#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "discover/image_list.h"
#include "image/decode.h"
#include "quality/quality.h"

namespace calib8 {

/// What image files hold. Files of the same bytes are one content, which is decoded once however many files
/// there are, and damaged or not for all of them.
class ImageContents {
 public:
  /// Makes of a decoded image what is handed out; called on any thread. `number` counts the files that were
  /// opened before.
  using Finish = std::function<Image(Image image, std::size_t number)>;

  /// Refers to `files`, which must stay. Images are turned as `options` say.
  ImageContents(const ImageList& files, DecodeOptions options, Finish finish)
      : files_(files), options_(options), finish_(std::move(finish)) {}

  /// One file that was opened.
  struct File {
    ImageIndex index = 0;     ///< In the list.
    std::string failure;      ///< Why it can't be read or decoded, one line; empty where it can.
    std::size_t content = 0;  ///< Where nothing failed.
    Image image;              ///< What Finish made, of the first file of a content alone.
  };

  /// Opens files on `threads` threads, a few at a time, and hands them to `take` in the order in which they
  /// stand in `indices`, on the caller's thread. Fails with what `take` fails with, and on Ctrl-C.
  void open(std::span<const ImageIndex> indices, int threads, const std::function<void(File)>& take);
  /// Files handed out so far.
  std::size_t opened() const { return opened_; }

  const Digest& sha256(std::size_t content) const { return contents_[content].sha256; }
  const ImageFacts& facts(std::size_t content) const { return contents_[content].facts; }
  /// The file in which the content was seen first.
  ImageIndex first_file(std::size_t content) const { return contents_[content].first_file; }

  /// Tells `counter` what became of a file that open() handed out.
  void count(const File& file, QualityCounter& counter) const;

 private:
  struct Content {
    Digest sha256;
    ImageIndex first_file;
    ImageFacts facts;
  };

  /// Reads a file once: what is hashed is what is decoded.
  void read_and_decode(File& file, std::size_t number);
  void open_block(std::span<const ImageIndex> indices, int threads, const std::function<void(File)>& take);
  /// The slot in which a content with this hash is, or would be.
  std::uint32_t& slot_of(const Digest& sha256);
  void grow_table();
  /// The content of these bytes, and whether it is new. `file` holds it.
  std::pair<std::size_t, bool> find_or_add(const Digest& sha256, ImageIndex file);

  const ImageList& files_;
  DecodeOptions options_;
  Finish finish_;
  std::size_t opened_ = 0;
  std::deque<Content> contents_;  // not a vector: it would take twice the memory while it grows
  /// Contents by hash: one more than the content, or 0. A table of the standard library would take six times
  /// the memory, most of what grows with the number of images.
  std::vector<std::uint32_t> slots_;
  std::map<std::size_t, std::string> failures_;  ///< By content.
  std::mutex contents_mutex_;                    ///< Of the three above, while a block is opened.
};

}  // namespace calib8
