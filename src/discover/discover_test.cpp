#include "discover/discover.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "image/test_images.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> paths_of(const DatasetListing& listing) {
  std::vector<std::string> paths;
  for (const ImageEntry& image : listing.images) paths.push_back(image.relative_path);
  return paths;
}

std::string message_of(const fs::path& folder, DatasetKind type = DatasetKind::automatic) {
  try {
    return "found " + discover_dataset(folder, {type}).layout;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::dataset);
    return error.message();
  }
}

TEST(Discover, ValidationClassesComeFirstSortedBytewise) {
  const test::TemporaryFolder folder;
  for (const char* file : {"train/a/1.jpg", "test/a/2.jpg", "val/b/3.JPEG", "val/b/deep/4.Png", "val/B/5.jpg",
                           "val/a-b/6.png", "val/a/7.jpg", "val/a/notes.txt"}) {
    folder.write(file);
  }
  const DatasetListing listing = discover_dataset(folder.path());
  EXPECT_EQ(listing.layout, "classification: val/<class>, 4 classes, 5 images");
  EXPECT_THAT(listing.class_names, ElementsAre("B", "a", "a-b", "b"));
  EXPECT_THAT(paths_of(listing),
              ElementsAre("val/B/5.jpg", "val/a-b/6.png", "val/a/7.jpg", "val/b/3.JPEG", "val/b/deep/4.Png"));
  EXPECT_EQ(listing.images[1].label, 2);
  EXPECT_EQ(listing.images[2].label, 1);
  EXPECT_EQ(listing.images[4].label, 3);
  EXPECT_EQ(listing.images[0].path, fs::canonical(folder.path()) / "val/B/5.jpg");
  EXPECT_THAT(listing.notes, IsEmpty());
}

TEST(Discover, ClassesThatHoldNothingKeepTheirIndex) {
  const test::TemporaryFolder folder;
  folder.write("valid/a/readme.txt");
  folder.write("valid/b/1.jpg");
  folder.write("valid/c/1.jpg");
  const DatasetListing listing = discover_dataset(folder.path());
  EXPECT_EQ(listing.images.label(0), 1);
  EXPECT_THAT(listing.notes, ElementsAre("1 of 3 class folders hold no image, the first is a"));
}

TEST(Discover, TrainingDataIsTheLastResortAndSaid) {
  const test::TemporaryFolder folder;
  folder.write("train/a/1.jpg");
  folder.write("train/b/1.jpg");
  const DatasetListing listing = discover_dataset(folder.path());
  EXPECT_EQ(listing.layout, "classification: train/<class>, 2 classes, 2 images");
  EXPECT_THAT(listing.notes, ElementsAre(HasSubstr("train/ is used")));
}

TEST(Discover, ClassFoldersAloneAndASingleClassWarned) {
  const test::TemporaryFolder folder;
  folder.write("cat/1.jpg");
  const DatasetListing listing = discover_dataset(folder.path());
  EXPECT_EQ(listing.layout, "classification: <class>, 1 class, 1 image");
  EXPECT_THAT(listing.notes, ElementsAre(HasSubstr("all images are of one class (cat)")));
}

TEST(Discover, DetectionLayoutsInTheirOrder) {
  const struct {
    std::vector<std::string> files;
    std::string layout;
  } cases[] = {
      {{"images/val/1.jpg", "labels/val/1.txt", "images/train/2.jpg"}, "detection: images/val, 1 image"},
      {{"output/images/val/1.jpg", "output/labels/val/1.txt"}, "detection: output/images/val, 1 image"},
      {{"images/test/1.jpg", "images/train/2.jpg"}, "detection: images/test, 1 image"},
      {{"val/images/1.jpg", "val/labels/1.txt", "train/images/2.jpg"}, "detection: val/images, 1 image"},
      {{"images/train/1.jpg"}, "detection: images/train, 1 image"},
  };
  for (const auto& example : cases) {
    const test::TemporaryFolder folder;
    for (const std::string& file : example.files) folder.write(file);
    EXPECT_EQ(discover_dataset(folder.path()).layout, example.layout);
  }
}

TEST(Discover, AFolderNamedImagesMayBeAClass) {
  const test::TemporaryFolder folder;
  folder.write("val/images/1.jpg");
  folder.write("val/text/1.jpg");
  EXPECT_EQ(discover_dataset(folder.path()).layout, "classification: val/<class>, 2 classes, 2 images");
}

TEST(Discover, FlatAndNestedFolders) {
  const test::TemporaryFolder flat;
  flat.write("2.jpg");
  flat.write("10.jpg");
  flat.write("small/1.jpg");
  EXPECT_EQ(discover_dataset(flat.path()).layout, "images: flat folder, 2 images");
  EXPECT_THAT(paths_of(discover_dataset(flat.path())), ElementsAre("10.jpg", "2.jpg"));

  const test::TemporaryFolder split;
  split.write("val/1.jpg");
  split.write("train/2.jpg");
  EXPECT_EQ(discover_dataset(split.path()).layout, "images: val, 1 image");

  const test::TemporaryFolder nested;
  nested.write("2024/may/1.jpg");
  nested.write("2025/june/2.jpg");
  EXPECT_EQ(discover_dataset(nested.path()).layout, "images: found by searching all folders, 2 images");
}

TEST(Discover, TheTypeLimitsWhatIsTaken) {
  const test::TemporaryFolder folder;
  folder.write("val/a/1.jpg");
  folder.write("images/val/2.jpg");
  EXPECT_EQ(discover_dataset(folder.path()).layout, "detection: images/val, 1 image");
  EXPECT_EQ(discover_dataset(folder.path(), {DatasetKind::classification}).layout,
            "classification: val/<class>, 1 class, 1 image");
  EXPECT_EQ(discover_dataset(folder.path(), {DatasetKind::images}).layout,
            "images: found by searching all folders, 2 images");
  const test::TemporaryFolder flat;
  flat.write("1.jpg");
  EXPECT_THAT(message_of(flat.path(), DatasetKind::detection), HasSubstr("images/val/"));
  EXPECT_THAT(message_of(flat.path(), DatasetKind::classification), HasSubstr("looked in val/<class>/"));
}

TEST(Discover, HiddenFilesAreSkipped) {
  const test::TemporaryFolder folder;
  for (const char* file : {"a.jpg", "._a.jpg", ".hidden.jpg", "__MACOSX/b.jpg", ".cache/c.jpg"})
    folder.write(file);
  EXPECT_THAT(paths_of(discover_dataset(folder.path(), {DatasetKind::images})), ElementsAre("a.jpg"));
  const test::TemporaryFolder none;
  none.write("__MACOSX/b.jpg");
  EXPECT_THAT(message_of(none.path()),
              HasSubstr("no JPEG, PNG, WebP, BMP, TIFF, PNM, GIF, AVIF or HEIC image found"));
}

TEST(Discover, LinksInsideAreFollowedOnceAndLinksOutsideAreNot) {
  const test::TemporaryFolder outside;
  outside.write("secret.jpg");
  const test::TemporaryFolder folder;
  folder.write("pool/1.jpg");
  folder.write("val/b/2.jpg");
  fs::create_directory_symlink("../pool", folder.path() / "val/a");
  fs::create_symlink("2.jpg", folder.path() / "val/b/again.jpg");
  fs::create_directory_symlink("..", folder.path() / "val/b/loop");
  fs::create_directory_symlink(outside.path(), folder.path() / "val/c");
  fs::create_symlink(outside.path() / "secret.jpg", folder.path() / "val/b/secret.jpg");
  fs::create_symlink("nowhere.jpg", folder.path() / "val/b/broken.jpg");
  const DatasetListing listing = discover_dataset(folder.path());
  EXPECT_THAT(paths_of(listing), ElementsAre("val/a/1.jpg", "val/b/2.jpg"));
  EXPECT_THAT(listing.class_names, ElementsAre("a", "b"));
  EXPECT_EQ(listing.layout, "classification: val/<class>, 2 classes, 2 images");
  EXPECT_THAT(listing.notes, Contains(HasSubstr("2 symbolic links that lead out of the folder")));
  EXPECT_THAT(listing.notes, Contains(HasSubstr("1 symbolic link that leads nowhere")));
  EXPECT_THAT(listing.notes, Contains(HasSubstr("1 symbolic link to folders that are read already")));
}

TEST(Discover, FoldersThatLinkToEachOtherComeToAnEnd) {
  const test::TemporaryFolder folder;
  for (int i = 0; i < 8; ++i) folder.write(fmt::format("folder{}/x/1.jpg", i));
  for (int i = 0; i < 8; ++i) {
    for (int k = 0; k < 8; ++k) {
      fs::create_directory_symlink(fmt::format("../folder{}", k),
                                   folder.path() / fmt::format("folder{}", i) / fmt::format("to{}", k));
    }
  }
  EXPECT_EQ(discover_dataset(folder.path()).images.size(), 8U);
}

TEST(Discover, NothingFoundListsEveryPlace) {
  const test::TemporaryFolder folder;
  folder.write("val/a/1.jp2");
  folder.write("val/a/2.jp2");
  const std::string message = message_of(folder.path());
  for (const char* place :
       {"val/<class>/", "test/<class>/", "train/<class>/", "images/val/", "output/images/val/", "val/images/",
        "the folder itself", "all folders below it", "2 files (.jp2)"}) {
    EXPECT_THAT(message, HasSubstr(place));
  }
  EXPECT_THAT(message_of(folder.path() / "missing"), HasSubstr("no such folder"));
  EXPECT_THAT(message_of(folder.path() / "val/a/1.jp2"), HasSubstr("is not a folder"));
}

}  // namespace
}  // namespace calib8
