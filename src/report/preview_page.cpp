#include "report/preview_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/text.h"

namespace calib8 {
namespace {

/// Pictures with a side of fewer pixels are enlarged without smoothing.
constexpr int small_side = 96;

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1b1f24; --muted: #5b6470; --line: #dfe3e8;
  --bar: #3b76d6; --warn: #8a5300; --warn-page: #fff4dc; --warn-line: #f0cf8b; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1e2227; --text: #e7eaee; --muted: #9aa4b0;
  --line: #31373f; --bar: #6ea0f0; --warn: #f3cf8a; --warn-page: #33290f; --warn-line: #6b5520; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1360px; margin: 0 auto; padding: 20px 16px 40px; }
h1 { font-size: 1.45rem; line-height: 1.25; margin: 0; }
h2 { font-size: 1.05rem; margin: 28px 0 10px; }
.sub { color: var(--muted); margin: 4px 0 16px; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 6px 16px; margin: 0; padding: 14px 16px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
ul.say { list-style: none; margin: 12px 0 0; padding: 0; display: grid; gap: 8px; }
ul.say li { padding: 8px 12px; border-radius: 8px; border: 1px solid var(--line); background: var(--card); overflow-wrap: anywhere; }
ul.say li.warn { color: var(--warn); background: var(--warn-page); border-color: var(--warn-line); }
.bars { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr)); gap: 6px 28px; }
.bar { display: grid; grid-template-columns: minmax(0, 7.5em) 1fr 3.5em; gap: 10px; align-items: center; font-size: .87rem; }
.bar b { font-weight: 400; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar i { display: block; height: 10px; border-radius: 5px; background: var(--bar); min-width: 2px; }
.bar u { text-decoration: none; text-align: right; color: var(--muted); font-variant-numeric: tabular-nums; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; min-width: 0; }
.see { position: relative; background: #000; }
.see img { display: block; width: 100%; height: auto; }
.small img { image-rendering: pixelated; }
.see svg { position: absolute; inset: 0; width: 100%; height: 100%; }
rect { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
svg text { font-weight: 600; paint-order: stroke; stroke: #000; stroke-linejoin: round; }
figcaption { padding: 7px 10px 9px; font-size: .8rem; line-height: 1.35; }
figcaption b { display: block; font-size: .9rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
figcaption span { display: block; color: var(--muted); overflow-wrap: anywhere; }
figcaption em { display: block; color: var(--warn); font-style: normal; overflow-wrap: anywhere; }
@media (max-width: 480px) { main { padding: 16px 12px 32px; } dl { grid-template-columns: 1fr; gap: 0; padding: 12px 14px; }
  dd { margin-bottom: 8px; } .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; } }
)css";

/// Text as HTML shows it: no markup, on one line, valid UTF-8.
std::string html(std::string_view text) {
  std::string result;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

/// Neighbouring classes get colours far apart: steps of the golden angle.
std::string colour_of(int class_index) {
  return fmt::format("hsl({} 95% 62%)", (static_cast<long>(class_index) * 137 + 200) % 360);
}

std::string box_svg(const PreviewBox& box, double letter, double page_width) {
  const bool above = box.top > letter * 1.3;
  // A label at the right edge ends there and not beyond.
  const bool from_right = box.left > page_width * 0.6;
  const double x =
      from_right ? std::min(box.left + box.width, page_width) - letter * 0.15 : box.left + letter * 0.15;
  return fmt::format(
      R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" stroke="{}"><title>{}</title></rect>)"
      R"(<text x="{:.1f}" y="{:.1f}" font-size="{:.1f}" stroke-width="{:.1f}" fill="{}"{}>{}</text>)",
      box.left, box.top, box.width, box.height, colour_of(box.class_index), html(box.name), x,
      above ? box.top - letter * 0.3 : box.top + letter * 1.05, letter, letter * 0.22,
      colour_of(box.class_index), from_right ? R"( text-anchor="end")" : "", html(box.name));
}

std::string figure(const PreviewSample& sample, const PreviewPage& page) {
  const bool small = std::min(page.height, page.width) < small_side;
  std::string text = fmt::format(
      "<figure><div class=\"see{}\"><img width=\"{}\" height=\"{}\" alt=\"{}\" src=\"data:{};base64,{}\">",
      small ? " small" : "", page.width, page.height, html(sample.path), sample.media_type,
      base64(sample.picture));
  if (!sample.boxes.empty()) {
    text += fmt::format(R"(<svg viewBox="0 0 {} {}">)", page.width, page.height);
    for (const PreviewBox& box : sample.boxes) text += box_svg(box, page.width * 0.062, page.width);
    text += "</svg>";
  }
  text += "</div><figcaption>";
  if (!sample.label.empty()) text += fmt::format("<b>{}</b>", html(sample.label));
  text += fmt::format("<span>{}</span>", html(sample.path));
  if (!sample.note.empty()) text += fmt::format("<em>{}</em>", html(sample.note));
  return text + "</figcaption></figure>\n";
}

std::string bars(const PreviewPage& page) {
  std::size_t most = 1;
  for (const PreviewBar& bar : page.bars) most = std::max(most, bar.count);
  std::string text = fmt::format("<h2>{}</h2>\n<div class=\"bars\">\n", html(page.bars_title));
  for (const PreviewBar& bar : page.bars) {
    text += fmt::format(
        "<div class=\"bar\"><b title=\"{0}\">{0}</b><i style=\"width:{1:.1f}%\"></i><u>{2}</u></div>\n",
        html(bar.name), 100.0 * static_cast<double>(bar.count) / static_cast<double>(most), bar.count);
  }
  text += "</div>\n";
  if (page.more_bars > 0) text += fmt::format("<p class=\"sub\">and {} more classes</p>\n", page.more_bars);
  return text;
}

}  // namespace

std::string to_html(const PreviewPage& page) {
  std::string text = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
      "'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n<p "
      "class=\"sub\">{2}</p>\n<dl>\n",
      html(page.title), style, html(page.subtitle));
  for (const auto& [word, said] : page.facts)
    text += fmt::format("<dt>{}</dt><dd>{}</dd>\n", html(word), html(said));
  text += "</dl>\n";
  if (!page.warnings.empty() || !page.notes.empty()) text += "<ul class=\"say\">\n";
  for (const std::string& warning : page.warnings)
    text += fmt::format("<li class=\"warn\">{}</li>\n", html(warning));
  for (const std::string& note : page.notes) text += fmt::format("<li>{}</li>\n", html(note));
  if (!page.warnings.empty() || !page.notes.empty()) text += "</ul>\n";
  if (!page.bars.empty()) text += bars(page);
  text += fmt::format("<h2>{}</h2>\n<div class=\"grid\">\n", html(page.samples_title));
  for (const PreviewSample& sample : page.samples) text += figure(sample, page);
  return text + "</div>\n</main>\n</body>\n</html>\n";
}

}  // namespace calib8
