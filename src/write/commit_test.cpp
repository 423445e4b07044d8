#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "calib8/error.h"
#include "write/atomic_file.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class CommitTest : public testing::Test {
 protected:
  CommitTest() {
    std::string pattern = (fs::temp_directory_path() / "calib8_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~CommitTest() override { fs::remove_all(folder_); }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string content(const char* name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const char* name, std::string_view text) const { std::ofstream(folder_ / name) << text; }

  /// Finished, not committed.
  AtomicFile written(const char* name, std::string_view text) const {
    AtomicFile file(folder_ / name);
    file.write(std::as_bytes(std::span(text)));
    file.finish();
    return file;
  }

  fs::path folder_;
};

TEST_F(CommitTest, PutsAllInTheirPlaces) {
  put("a", "old a");
  std::vector<AtomicFile> files;
  files.push_back(written("a", "new a"));
  files.push_back(written("b", "new b"));
  EXPECT_EQ(content("a"), "old a");
  EXPECT_FALSE(fs::exists(folder_ / "b"));
  commit_together(files);
  EXPECT_EQ(content("a"), "new a");
  EXPECT_EQ(content("b"), "new b");
  EXPECT_THAT(names(), ElementsAre("a", "b"));
}

TEST_F(CommitTest, TakesBackWhatWasPutInPlace) {
  put("a", "old a");
  {
    std::vector<AtomicFile> files;
    for (const char* name : {"a", "b", "c"}) files.push_back(written(name, "new"));
    fs::create_directory(folder_ / "c");
    try {
      commit_together(files);
      ADD_FAILURE() << "a folder was replaced";
    } catch (const Error& error) {
      EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(ErrorCode::output));
      EXPECT_THAT(error.what(), HasSubstr("/c: is not a regular file"));
    }
    EXPECT_EQ(content("a"), "old a");
  }
  EXPECT_EQ(content("a"), "old a");
  EXPECT_THAT(names(), ElementsAre("a", "c"));
}

TEST_F(CommitTest, WaitsForAnotherProcess) {
  const int lock = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  std::vector<AtomicFile> files;
  files.push_back(written("a", "new"));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_FALSE(fs::exists(folder_ / "a"));
    ::close(lock);
  });
  commit_together(files);
  other.join();
  EXPECT_EQ(content("a"), "new");
}

TEST_F(CommitTest, KeepsOldFilesWhileAnotherPutsNewOnesInTheirPlace) {
  put(".a.1-1.calib8.tmp", "the old a, to be taken back");
  const int lock = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  { const AtomicFile file(folder_ / "a"); }
  EXPECT_THAT(names(), ElementsAre(".a.1-1.calib8.tmp"));
  ::close(lock);
  { const AtomicFile file(folder_ / "a"); }
  EXPECT_THAT(names(), ElementsAre());
}

TEST_F(CommitTest, NeedsFinishedFiles) {
  std::vector<AtomicFile> files;
  files.emplace_back(folder_ / "a");
  EXPECT_THROW(commit_together(files), Error);
}

TEST_F(CommitTest, FollowsLinksToNothing) {
  fs::create_symlink("b", folder_ / "a");
  EXPECT_EQ(behind_links(folder_ / "a"), folder_ / "b");
  EXPECT_TRUE(lead_to_same_file(folder_ / "a", folder_ / "b"));
  EXPECT_FALSE(lead_to_same_file(folder_ / "a", folder_ / "c"));
  std::vector<AtomicFile> files;
  files.push_back(written("a", "new"));
  commit_together(files);
  EXPECT_TRUE(fs::is_symlink(folder_ / "a"));
  EXPECT_EQ(content("b"), "new");
}

TEST_F(CommitTest, KnowsFilesByAnyWay) {
  put("file", "");
  fs::create_directory(folder_ / "sub");
  fs::create_directory_symlink(folder_ / "sub", folder_ / "link");
  fs::create_hard_link(folder_ / "file", folder_ / "hard");
  EXPECT_TRUE(lead_to_same_file(folder_ / "file", folder_ / "hard"));
  EXPECT_TRUE(lead_to_same_file(folder_ / "link/new", folder_ / "sub/new"));
  EXPECT_TRUE(lead_to_same_file(folder_ / "sub/../new", folder_ / "new"));
  fs::create_symlink("round", folder_ / "round");
  EXPECT_EQ(behind_links(folder_ / "round"), folder_ / "round");
}

}  // namespace
}  // namespace calib8
