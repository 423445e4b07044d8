#include "write/atomic_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ByteView bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() {
    std::string pattern = (fs::temp_directory_path() / "calib8_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~AtomicFileTest() override {
    fs::permissions(folder_, fs::perms::owner_all);
    fs::remove_all(folder_);
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string content(const fs::path& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  void put(const fs::path& name, std::string_view text) const { std::ofstream(folder_ / name) << text; }

  /// The error with which opening, writing a few bytes and committing ends.
  static std::string error_for(const fs::path& target) {
    try {
      AtomicFile file(target);
      file.write(bytes_of("some bytes"));
      file.commit();
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::output));
      return error.what();
    }
    return {};
  }

  fs::path folder_;
};

TEST_F(AtomicFileTest, AppearsWholeAtCommit) {
  AtomicFile file(folder_ / "model.onnx");
  file.write(bytes_of("hello "));
  file.write({});
  file.write(bytes_of("world"));
  EXPECT_FALSE(fs::exists(folder_ / "model.onnx"));
  EXPECT_EQ(file.sha256(), "");
  file.commit();
  EXPECT_THAT(names(), ElementsAre("model.onnx"));
  EXPECT_EQ(content("model.onnx"), "hello world");
  EXPECT_EQ(file.sha256(), "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
}

TEST_F(AtomicFileTest, LeavesTheOldOneWithoutCommit) {
  put("model.onnx", "old");
  {
    AtomicFile file(folder_ / "model.onnx");
    file.write(bytes_of("new"));
    EXPECT_EQ(names().size(), 2u);
    AtomicFile moved = std::move(file);
    moved.write(bytes_of("er"));
  }
  EXPECT_THAT(names(), ElementsAre("model.onnx"));
  EXPECT_EQ(content("model.onnx"), "old");
}

TEST_F(AtomicFileTest, ReplacesTheOldOneAndMakesFolders) {
  for (const char* text : {"first", "second"}) {
    AtomicFile file(folder_ / "a/b/model.onnx");
    file.write(bytes_of(text));
    file.commit();
    EXPECT_EQ(content("a/b/model.onnx"), text);
  }
}

TEST_F(AtomicFileTest, KeepsALinkAndReplacesWhatItNames) {
  put("real", "old");
  fs::create_symlink("real", folder_ / "link");
  EXPECT_EQ(error_for(folder_ / "link"), "");
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  EXPECT_EQ(content("real"), "some bytes");
}

TEST_F(AtomicFileTest, HasTheModeOfAnyNewFile) {
  const mode_t old_mask = umask(027);
  EXPECT_EQ(error_for(folder_ / "model.onnx"), "");
  umask(old_mask);
  EXPECT_EQ(fs::status(folder_ / "model.onnx").permissions(), fs::perms(0640));
}

TEST_F(AtomicFileTest, RefusesTargetsThatAreNoFiles) {
  EXPECT_THAT(error_for(folder_), HasSubstr("is a folder"));
  EXPECT_THAT(error_for(folder_ / ""), HasSubstr("needs a file name"));
  EXPECT_THAT(error_for("/dev/null"), HasSubstr("is not a regular file"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  put("file", "");
  EXPECT_THAT(error_for(folder_ / "file/model.onnx"), HasSubstr("cannot make its folder"));
  EXPECT_THAT(error_for(folder_ / std::string(250, 'x')), HasSubstr("File name too long"));
  EXPECT_THAT(error_for("/proc/calib8/model.onnx"), HasSubstr("cannot make its folder"));
  EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_F(AtomicFileTest, SaysWhenTheDiskIsFull) {
  // A limit on the size of files stands in for the full disk: past it, write() fails with EFBIG.
  const auto previous_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit previous{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &previous), 0);
  const rlimit small{1 << 16, previous.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  put("model.onnx", "old");
  std::string message;
  try {
    AtomicFile file(folder_ / "model.onnx");
    const std::vector<std::byte> block(1 << 15);
    for (int i = 0; i < 4; ++i) file.write(block);
    file.commit();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::output);
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &previous);
  signal(SIGXFSZ, previous_handler);
  EXPECT_THAT(message, HasSubstr("cannot be written: File too large"));
  EXPECT_THAT(names(), ElementsAre("model.onnx"));
  EXPECT_EQ(content("model.onnx"), "old");
}

TEST_F(AtomicFileTest, IsCleanedUpAfterAKill) {
  put("model.onnx", "old");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile file(folder_ / "model.onnx");
    file.write(bytes_of("half of it"));
    [[maybe_unused]] const ssize_t count = ::write(ready[1], "x", 1);
    pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  close(ready[0]);
  close(ready[1]);

  // While the other process lives, its file is left alone.
  EXPECT_EQ(names().size(), 2u);
  EXPECT_EQ(error_for(folder_ / "model.onnx"), "");
  EXPECT_EQ(names().size(), 2u);
  put("model.onnx", "old");

  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(names().size(), 2u);
  EXPECT_EQ(content("model.onnx"), "old");
  // Others' names stay.
  put(".model.onnx.calib8.tmp", "");
  put(".model.onnx.1-x.calib8.tmp", "");
  put(".other.onnx.1-1.calib8.tmp", "");
  EXPECT_EQ(error_for(folder_ / "model.onnx"), "");
  EXPECT_THAT(names(), ElementsAre(".model.onnx.1-x.calib8.tmp", ".model.onnx.calib8.tmp",
                                   ".other.onnx.1-1.calib8.tmp", "model.onnx"));
}

TEST_F(AtomicFileTest, ManyWritersLeaveOneWholeFile) {
  parallel_for(200, 4, [&](int, std::size_t index) {
    AtomicFile file(folder_ / "model.onnx");
    for (int part = 0; part < 10; ++part)
      file.write(bytes_of(std::string(100, static_cast<char>('a' + index % 26))));
    if (index % 3 != 0) file.commit();
  });
  EXPECT_THAT(names(), ElementsAre("model.onnx"));
  const std::string whole = content("model.onnx");
  EXPECT_EQ(whole, std::string(1000, whole.at(0)));
}

TEST_F(AtomicFileTest, IsOverAfterCommit) {
  AtomicFile file(folder_ / "model.onnx");
  file.commit();
  EXPECT_THROW(file.write(bytes_of("x")), Error);
  EXPECT_THROW(file.commit(), Error);
  EXPECT_EQ(file.sha256(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace calib8
