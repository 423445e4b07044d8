#include "read/weights/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

using nlohmann::json;

constexpr std::size_t largest_rank = 64;  // PyTorch's own limit
constexpr std::string_view metadata_key = "__metadata__";

/// Takes the header's JSON event by event, so that nothing is built of what the format doesn't know, and keys
/// that occur twice are seen.
class HeaderReader : public json::json_sax_t {
 public:
  explicit HeaderReader(const std::string& where) : where_(where) {}

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::outside:
        place_ = Place::header;
        return true;
      case Place::value_of_header:
        if (key_ == metadata_key) {
          place_ = Place::metadata;
        } else {
          header.entries.push_back({key_, {}, {}, 0, 0});
          found_ = {};
          place_ = Place::tensor;
        }
        return true;
      default:
        fail("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::tensor && !(found_.dtype && found_.shape && found_.offsets))
      refuse(named() + " lacks one of dtype, shape and data_offsets");
    place_ = place_ == Place::header ? Place::outside : Place::header;
    return true;
  }

  bool key(std::string& name) override {
    key_ = name;
    if (place_ == Place::header) {
      if (!names_.insert(name).second) refuse("the header names " + printable(name) + " twice");
      place_ = Place::value_of_header;
    } else if (place_ == Place::metadata) {
      if (header.metadata.contains(name)) refuse("__metadata__ names " + printable(name) + " twice");
    } else {
      take_member(name);
    }
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::metadata) {
      header.metadata.emplace(key_, value);
    } else if (place_ == Place::dtype) {
      header.entries.back().dtype = value;
      place_ = Place::tensor;
    } else {
      fail("a text");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape) {
      place_ = Place::sizes;
    } else if (place_ == Place::data_offsets) {
      place_ = Place::offsets;
      offsets_ = 0;
    } else {
      fail("a list");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2) refuse(named() + " has data_offsets that aren't two");
    place_ = Place::tensor;
    return true;
  }

  bool number_unsigned(json::number_unsigned_t value) override {
    SafetensorsEntry* entry = header.entries.empty() ? nullptr : &header.entries.back();
    if (place_ == Place::sizes) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) ||
          entry->shape.size() == largest_rank)
        refuse(named() + " has impossible sizes");
      entry->shape.push_back(static_cast<std::int64_t>(value));
    } else if (place_ == Place::offsets) {
      if (offsets_ == 2) refuse(named() + " has data_offsets that aren't two");
      (offsets_++ == 0 ? entry->begin : entry->end) = value;
    } else {
      fail("a number");
    }
    return true;
  }

  bool number_integer(json::number_integer_t) override { fail("a negative number"); }
  bool number_float(json::number_float_t, const std::string&) override { fail("a fraction"); }
  bool null() override { fail("null"); }
  bool boolean(bool) override { fail("true or false"); }
  bool binary(json::binary_t&) override { fail("bytes"); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    refuse("the header is no JSON in UTF-8 at byte " + std::to_string(position + 8));
  }

  SafetensorsHeader header;

 private:
  enum class Place {
    outside,
    header,           ///< Before a name.
    value_of_header,  ///< Behind one.
    metadata,
    tensor,  ///< Before "dtype", "shape" or "data_offsets"; the next three are behind one.
    dtype,
    shape,
    data_offsets,
    sizes,    ///< In a shape.
    offsets,  ///< In data_offsets.
  };

  void take_member(const std::string& name) {
    bool* found = name == "dtype"          ? &found_.dtype
                  : name == "shape"        ? &found_.shape
                  : name == "data_offsets" ? &found_.offsets
                                           : nullptr;
    if (!found) refuse(named() + " has a member " + printable(name) + " that the format doesn't know");
    if (*found) refuse(named() + " has " + name + " twice");
    *found = true;
    place_ = found == &found_.dtype   ? Place::dtype
             : found == &found_.shape ? Place::shape
                                      : Place::data_offsets;
  }

  std::string named() const {
    return header.entries.empty() ? "the header" : "tensor " + printable(header.entries.back().name);
  }

  [[noreturn]] void fail(const char* what) const {
    const bool in_tensor = place_ != Place::outside && place_ != Place::header && place_ != Place::metadata &&
                           place_ != Place::value_of_header;
    refuse((in_tensor                   ? named()
            : place_ == Place::metadata ? std::string(metadata_key)
                                        : "the header") +
           " has " + what + " where the format has none");
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::model, what + ": this is no proper safetensors file, get it anew", where_);
  }

  const std::string& where_;
  Place place_ = Place::outside;
  std::string key_;
  struct {
    bool dtype = false, shape = false, offsets = false;
  } found_;
  int offsets_ = 0;
  std::unordered_set<std::string> names_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where) {
  // The parser takes a zero for the end of its input.
  if (!text.starts_with('{') || text.find('\0') != std::string_view::npos)
    throw Error(ErrorCode::model,
                "the header is no JSON object: this is no proper safetensors file, get it anew", where);
  HeaderReader reader(where);
  json::sax_parse(text.begin(), text.end(), &reader);
  return std::move(reader.header);
}

}  // namespace calib8
