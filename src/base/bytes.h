#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace calib8 {

using ByteView = std::span<const std::byte>;

/// Immutable bytes with a shared owner: a heap block, or a part of a mapped file, which stays mapped as long
/// as any Data looks into it. Copying a Data copies no bytes.
class Data {
 public:
  Data() = default;
  Data(std::shared_ptr<const void> owner, ByteView bytes) : owner_(std::move(owner)), bytes_(bytes) {}

  template <class T>
  static Data from_vector(std::vector<T> values) {
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    const ByteView bytes = std::as_bytes(std::span(*owner));
    return Data(std::move(owner), bytes);
  }

  ByteView bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }

  /// A part of these bytes with the same owner; the caller has checked the bounds.
  Data part(std::size_t offset, std::size_t size) const { return Data(owner_, bytes_.subspan(offset, size)); }

 private:
  std::shared_ptr<const void> owner_;
  ByteView bytes_;
};

/// Maps a regular file for reading. Fails with ErrorCode::model where the file can't be
/// opened, is not a regular file, or is empty.
Data map_file(const std::filesystem::path& path);

/// XXH3 of the bytes, 64 bits as 16 hexadecimal digits: for dumps and for finding equal constants.
std::string short_hash(ByteView bytes);
std::uint64_t hash64(ByteView bytes);

/// A SHA-256 as it is kept in memory.
using Digest = std::array<std::byte, 32>;

/// 64 hexadecimal digits, as it is written down.
std::string to_text(const Digest& digest);

/// SHA-256 over bytes that arrive in parts.
class Sha256 {
 public:
  Sha256();
  void add(ByteView bytes);
  /// Nothing can be added afterwards.
  Digest digest();
  /// The same, 64 hexadecimal digits.
  std::string finish();

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

/// SHA-256, 64 hexadecimal digits: for what is written down to be compared elsewhere.
std::string sha256(ByteView bytes);
Digest sha256_digest(ByteView bytes);

/// Base64 (RFC 4648, with padding, on one line).
std::string base64(ByteView bytes);

/// SHA-256 of a file, streamed. Fails with ErrorCode::model where it can't be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace calib8
