#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "array_samples/npy.h"
#include "base/input_file.h"
#include "base/shape.h"
#include "samples/spool_file.h"

namespace calib8 {

/// An input that arrays are for.
struct ArrayInput {
  std::string name;
  Shape
      shape;  ///< As the float model takes it: images [N, height, width, channels], and N is nearly always 1.
  /// Arrays whose shape fits both ways (channels, height and width are equal) hold channels first.
  bool channels_first = false;
};

/// Names and shapes of the arrays in a .npy ("") or .npz file, as they are stored. Fails with
/// ErrorCode::dataset where it is damaged.
std::map<std::string, Shape> array_shapes(const std::filesystem::path& path);

/// A .npy or .npz file of which the heads were read. Its samples are read from disk one by one.
class ArrayFile {
 public:
  /// Matches arrays with inputs: by name, or the only array with the only input. Where the input's first size
  /// is 1, an array of its rank holds a sample a row, and one of a rank less is a single sample; else one of
  /// its shape is a single sample, and one of a rank more holds a sample a row. Compressed batches, and those
  /// in Fortran's order, are unpacked into `spool`. Fails with ErrorCode::dataset where the file is damaged,
  /// an array is missing, or its shape fits neither the input's nor the same with channels first.
  ArrayFile(const std::filesystem::path& path, const std::vector<ArrayInput>& inputs,
            const std::shared_ptr<SpoolFile>& spool);

  std::size_t rows() const { return rows_; }
  /// Whether an array's shape fits its input with channels first as well as last.
  bool is_ambiguous() const { return ambiguous_; }
  /// Whether the arrays hold bytes or other integers, which nothing scaled.
  bool holds_integers() const;
  /// The values of a row by input name, in the input's order, float32.
  std::map<std::string, std::vector<float>> read_row(std::size_t row) const;

 private:
  /// A .npy file: a whole file, or a part of an archive.
  struct Member {
    NpyHeader header;
    std::uint64_t offset = 0;  ///< In the file, of the .npy file.
    std::uint64_t stored_size = 0, size = 0;
    std::uint32_t checksum = 0;
    bool deflated = false;
    bool is_batch = false, channels_first = false;
    std::optional<std::uint64_t> spooled;  ///< Where its elements begin in the spool, row after row.
  };

  friend std::map<std::string, Shape> array_shapes(const std::filesystem::path& path);
  explicit ArrayFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// All arrays of the file.
  std::map<std::string, Member> open_members(const InputFile& file, bool& is_zip) const;
  std::map<std::string, Member> open_npz(const InputFile& file) const;
  void fit(Member& member, const std::string& name, const ArrayInput& input);
  /// Makes rows that can be read one by one out of what is compressed, or lies scattered.
  void spool_rows(Member& member, const std::string& name, const InputFile& file, SpoolFile& spool) const;
  std::vector<float> read_row_of(const Member& member, const InputFile& file, std::size_t row) const;

  std::filesystem::path path_;
  std::shared_ptr<const SpoolFile> spool_;
  std::map<std::string, Member> members_;  ///< By input name.
  std::map<std::string, Shape> shapes_;    ///< Of the inputs.
  std::size_t rows_ = 0;
  bool ambiguous_ = false;
};

}  // namespace calib8
