// Messages come in; the table's rows and drawn messages go out.
#include "dsl/Diagnostics.h"
#include "dsl/Utf8.h"

#include <algorithm>
#include <cassert>

namespace kac {

namespace {

constexpr int maxErrors = 20;
constexpr int excerptWidth = 110; // code points of a line that are drawn

std::vector<DiagnosticRow> sortedRows() {
  std::vector<DiagnosticRow> rows = {
#define DIAGNOSTIC(code, severity, name, rule, section, bad, repaired)                                                 \
  {#code, Severity::severity, #name, rule, section, bad, repaired},
#include "dsl/Diagnostics.def"
#undef DIAGNOSTIC
  };
  std::sort(rows.begin(), rows.end(),
            [](const DiagnosticRow &a, const DiagnosticRow &b) { return std::string_view(a.code) < b.code; });
  return rows;
}

constexpr std::pair<std::string_view, const char *> usualHelps[] = {
    {"E0403", "a `time` that rises from 0 to at most 1, as `time(u) = u`"},
    {"E0404", "a wider denominator, or a smaller negative power"},
    {"E0405", "a value that holds to it, here or by `--set`"},
    {"E0406", "a `time` that leaves this time out, as `time(u) = 0.001 + 0.998 * u`"},
};

/// Draws messages into a text.
class Renderer {
public:
  explicit Renderer(bool colour) : colour(colour) {}

  void message(const Diagnostic &d) {
    bool warning = d.row && d.row->severity == Severity::Warning;
    const char *tone = warning ? "\033[1;35m" : "\033[1;31m";
    out += place(d.span);
    paint(tone, std::string(warning ? "warning" : "error") + "[" + (d.row ? d.row->code : "?") + "]");
    out += ": " + clean(d.text) + "\n";
    const Remark *beside = nullptr; // a remark on the main place stands beside its mark
    for (const Remark &remark : d.remarks)
      if (same(remark.span, d.span))
        beside = &remark;
    excerpt(d.span, '^', tone, beside ? beside->text : "");
    for (const Remark &remark : d.remarks) {
      if (&remark == beside)
        continue;
      if (!remark.span.source)
        out += "  note: " + clean(remark.text) + "\n";
      else if (remark.span.source != d.span.source)
        out += "  " + place(remark.span) + "\n";
      excerpt(remark.span, '-', "\033[1;34m", remark.text);
    }
    const std::string help = !d.help.empty() ? d.help : d.row ? usualHelp(d.row->code) : "";
    if (!help.empty())
      out += "  help: " + clean(help) + "\n";
  }

  std::string out;

private:
  static bool same(const Span &a, const Span &b) {
    return a.source == b.source && a.begin == b.begin && a.end == b.end;
  }

  void paint(const char *tone, const std::string &text) { out += colour ? tone + text + "\033[0m" : text; }

  static std::string place(const Span &span) {
    if (!span.source)
      return "";
    Position at = span.source->position(span.begin);
    return span.source->name() + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
  }

  /// Control characters and broken bytes drawn as one replacement character, a tab as a blank: columns stay.
  static std::string clean(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size();) {
      CodePoint point = decodeUtf8(text, i);
      bool control = point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0);
      if (point.value == '\t')
        result += ' ';
      else if (!point.sound || control)
        result += "\xEF\xBF\xBD";
      else
        result += text.substr(i, point.length);
      i += point.length;
    }
    return result;
  }

  /// The line of a place with its mark below; of a long line, the part around the mark.
  void excerpt(const Span &span, char mark, const char *tone, const std::string &remark) {
    if (!span.source)
      return;
    Position at = span.source->position(span.begin);
    std::string_view line = span.source->line(at.line);
    int column = at.column;
    std::string before;
    if (column > excerptWidth - 30) {
      int skipped = column - 40;
      for (int i = 0; i < skipped; ++i)
        line.remove_prefix(std::min<size_t>(line.size(), decodeUtf8(line, 0).length));
      column -= skipped - 3;
      before = "...";
    }
    size_t end = 0;
    int width = static_cast<int>(before.size());
    for (; end < line.size() && width < excerptWidth; ++width)
      end += decodeUtf8(line, end).length;
    bool cutOff = end < line.size();
    std::string text = before + clean(line.substr(0, end)) + (cutOff ? "..." : "");
    int wanted = span.end > span.begin
                     ? countCodePoints(span.source->text().substr(span.begin, std::min(span.end - span.begin, 1000u)))
                     : 1;
    int marks = std::clamp(wanted, 1, std::max(1, width - column + 1));

    std::string number = std::to_string(at.line);
    number.insert(0, number.size() < 5 ? 5 - number.size() : 0, ' ');
    out += number + " | " + text + "\n";
    out += std::string(number.size(), ' ') + " | " + std::string(static_cast<size_t>(column - 1), ' ');
    paint(tone, std::string(static_cast<size_t>(marks), mark));
    out += (remark.empty() ? "" : " " + clean(remark)) + "\n";
  }

  bool colour;
};

} // namespace

const std::vector<DiagnosticRow> &diagnosticRows() {
  static const std::vector<DiagnosticRow> rows = sortedRows();
  return rows;
}

const char *usualHelp(std::string_view code) {
  for (const auto &[which, help] : usualHelps)
    if (which == code)
      return help;
  return "";
}

const DiagnosticRow *findDiagnostic(std::string_view code) {
  const auto &rows = diagnosticRows();
  auto row = std::find_if(rows.begin(), rows.end(), [&](const DiagnosticRow &r) { return code == r.code; });
  return row == rows.end() ? nullptr : &*row;
}

Diagnostic &Diagnostics::report(std::string_view code, Span span, std::string text) {
  const DiagnosticRow *row = findDiagnostic(code);
  assert(row && "a message without a row in Diagnostics.def");
  Diagnostic diagnostic{row, span, std::move(text), {}, {}};
  if ((!row || row->severity == Severity::Error) && ++errorCount > maxErrors) {
    static thread_local Diagnostic dropped;
    return dropped = std::move(diagnostic);
  }
  list.push_back(std::move(diagnostic));
  return list.back();
}

std::string Diagnostics::render(bool colour) const {
  std::vector<const Source *> sources; // in the order in which they were first spoken of
  std::vector<std::pair<size_t, const Diagnostic *>> sorted;
  for (const Diagnostic &d : list) {
    auto known = std::find(sources.begin(), sources.end(), d.span.source);
    sorted.emplace_back(known - sources.begin(), &d);
    if (known == sources.end())
      sources.push_back(d.span.source);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto &a, const auto &b) {
    return std::pair(a.first, a.second->span.begin) < std::pair(b.first, b.second->span.begin);
  });
  Renderer renderer(colour);
  for (const auto &[source, diagnostic] : sorted)
    renderer.message(*diagnostic);
  if (errorCount > maxErrors)
    renderer.out += "and " + std::to_string(errorCount - maxErrors) + " more errors\n";
  return std::move(renderer.out);
}

} // namespace kac
