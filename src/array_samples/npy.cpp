#include "array_samples/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <string_view>

#include "base/tensor.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostRank = 8;

/// The literal {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, and nothing else of Python.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  NpyHeader read() {
    NpyHeader header;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !has_type) {
        read_type(header);
        has_type = true;
      } else if (key == "fortran_order" && !has_order) {
        header.fortran_order = truth();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        header.shape = shape();
        has_shape = true;
      } else {
        refuse();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (!text_.empty() || !has_type || !has_order || !has_shape) refuse();
    return header;
  }

 private:
  [[noreturn]] void refuse() const { throw Error(ErrorCode::dataset, "the .npy header is damaged", where_); }

  void skip_blanks() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool accept(char wanted) {
    skip_blanks();
    if (text_.empty() || text_[0] != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) refuse();
  }

  std::string_view string() {
    skip_blanks();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) refuse();
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) refuse();
    const std::string_view value = text_.substr(1, end - 1);
    if (value.find('\\') != std::string_view::npos) refuse();
    text_.remove_prefix(end + 1);
    return value;
  }

  bool truth() {
    skip_blanks();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    refuse();
  }

  Shape shape() {
    Shape sizes;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      std::int64_t size = 0;
      std::size_t digits = 0;
      for (; !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; text_.remove_prefix(1)) {
        if (++digits > 18) refuse();
        size = size * 10 + (text_[0] - '0');
      }
      if (digits == 0) refuse();
      sizes.push_back(size);
      if (sizes.size() > kMostRank)
        throw Error(ErrorCode::dataset, fmt::format("the array has more than {} dimensions", kMostRank),
                    where_);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  void read_type(NpyHeader& header) {
    skip_blanks();
    if (!text_.empty() && text_[0] == '[')
      throw Error(ErrorCode::dataset, "the array holds records (a structured type): save a plain array",
                  where_);
    const std::string_view type = string();
    if (type.find('O') != std::string_view::npos) {
      throw Error(ErrorCode::dataset,
                  "the array holds Python objects (allow_pickle), which would run code: save a plain array",
                  where_);
    }
    static const std::map<std::string_view, DType> types = {
        {"f4", DType::float32}, {"f8", DType::float64}, {"f2", DType::float16}, {"i1", DType::int8},
        {"u1", DType::uint8},   {"i2", DType::int16},   {"u2", DType::uint16},  {"i4", DType::int32},
        {"u4", DType::uint32},  {"i8", DType::int64},   {"u8", DType::uint64},  {"b1", DType::uint8}};
    const bool has_order = !type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos;
    const auto known = types.find(has_order ? type.substr(1) : type);
    if (known == types.end()) {
      throw Error(
          ErrorCode::dataset,
          fmt::format("the array's type '{}' is none of float, int, uint and bool", type.substr(0, 20)),
          where_);
    }
    header.dtype = known->second;
    header.big_endian = type[0] == '>';
  }

  std::string_view text_;
  const std::string& where_;
};

}  // namespace

std::uint64_t NpyHeader::data_size() const {
  std::uint64_t size = size_of(dtype);
  for (const std::int64_t side : shape) size *= static_cast<std::uint64_t>(side);
  return size;
}

NpyHeader read_npy_header(ByteView start, std::uint64_t file_size, const std::string& where) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(start.data());
  if (start.size() < 10 || std::memcmp(bytes, kMagic.data(), kMagic.size()) != 0)
    throw Error(ErrorCode::dataset, "is not a .npy file", where);
  const bool is_long = bytes[6] > 1;
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
    throw Error(ErrorCode::dataset, "is of an unknown version of the .npy format", where);
  const std::size_t begin = is_long ? 12 : 10;
  std::size_t size = bytes[8] | static_cast<std::size_t>(bytes[9]) << 8;
  if (is_long && start.size() >= begin)
    size |= static_cast<std::size_t>(bytes[10]) << 16 | static_cast<std::size_t>(bytes[11]) << 24;
  if (start.size() < begin || size > start.size() - begin)
    throw Error(ErrorCode::dataset, "the .npy header is cut short or absurdly long", where);
  NpyHeader header = HeaderText({reinterpret_cast<const char*>(start.data()) + begin, size}, where).read();
  header.data_offset = begin + size;
  const std::uint64_t available = file_size - header.data_offset;
  std::uint64_t elements = available / size_of(header.dtype);
  const bool is_empty = std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end();
  for (const std::int64_t side : header.shape) {
    if (is_empty) break;
    elements /= static_cast<std::uint64_t>(side);
  }
  if (is_empty) throw Error(ErrorCode::dataset, "the array is empty: " + to_string(header.shape), where);
  if (elements < 1) {
    throw Error(ErrorCode::dataset,
                fmt::format("claims an array {} of {}, but {} bytes can't hold it: the file is cut short",
                            to_string(header.shape), name_of(header.dtype), file_size),
                where);
  }
  return header;
}

std::vector<float> npy_to_float(const NpyHeader& header, ByteView elements) {
  const std::size_t width = size_of(header.dtype);
  std::vector<std::byte> native(elements.begin(), elements.end());
  if (header.big_endian) {
    for (std::size_t i = 0; i + width <= native.size(); i += width)
      std::reverse(native.begin() + static_cast<std::ptrdiff_t>(i),
                   native.begin() + static_cast<std::ptrdiff_t>(i + width));
  }
  const auto count = static_cast<std::int64_t>(native.size() / width);
  return to_float({header.dtype, {count}, Data::from_vector(std::move(native))});
}

}  // namespace calib8
