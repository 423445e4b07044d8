#include "base/bytes.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/mapped_file.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

[[noreturn]] void fail_with_errno(const std::filesystem::path& path, const char* action) {
  throw Error(ErrorCode::model, std::string(action) + ": " + std::generic_category().message(errno),
              path.string());
}

/// Opens a regular file; says what else it is where it isn't one.
Descriptor open_regular(const std::filesystem::path& path, struct stat& status) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail_with_errno(path, "cannot open");
  if (::fstat(file.get(), &status) != 0) fail_with_errno(path, "cannot read");
  if (S_ISDIR(status.st_mode)) throw Error(ErrorCode::model, "is a folder, not a file", path.string());
  if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::model, "is not a regular file", path.string());
  return file;
}

std::string hexadecimal(ByteView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte >> 4)];
    text += digits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return text;
}

}  // namespace

Data map_file(const std::filesystem::path& path) {
  struct stat status {};
  const Descriptor file = open_regular(path, status);
  if (status.st_size == 0) throw Error(ErrorCode::model, "is empty", path.string());
  return map_descriptor(file.get(), static_cast<std::size_t>(status.st_size), path.string());
}

std::uint64_t hash64(ByteView bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::string short_hash(ByteView bytes) {
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, hash64(bytes));
  return hexadecimal(std::as_bytes(std::span(canonical.digest)));
}

Sha256::Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorCode::internal, "SHA-256 is not available in this OpenSSL");
  }
}

void Sha256::add(ByteView bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Digest Sha256::digest() {
  Digest digest{};
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string Sha256::finish() {
  return to_text(digest());
}

std::string to_text(const Digest& digest) {
  return hexadecimal(digest);
}

Digest sha256_digest(ByteView bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.digest();
}

std::string sha256(ByteView bytes) {
  return to_text(sha256_digest(bytes));
}

std::string base64(ByteView bytes) {
  constexpr std::size_t block = 3 << 20;  // EVP_EncodeBlock counts in int; threes need no padding between
  std::string text;
  for (std::size_t begin = 0; begin < bytes.size(); begin += block) {
    const ByteView part = bytes.subspan(begin, std::min(block, bytes.size() - begin));
    std::string encoded((part.size() + 2) / 3 * 4 + 1, '\0');  // and the function's own end mark
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(part.data()), static_cast<int>(part.size()));
    text.append(encoded, 0, static_cast<std::size_t>(size));
  }
  return text;
}

std::string sha256_of_file(const std::filesystem::path& path) {
  struct stat status {};
  const Descriptor file = open_regular(path, status);
  Sha256 hash;
  std::vector<std::byte> block(1 << 18);
  while (true) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with_errno(path, "cannot read");
    if (count == 0) return hash.finish();
    hash.add(ByteView(block).first(static_cast<std::size_t>(count)));
  }
}

}  // namespace calib8
