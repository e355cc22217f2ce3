// Messages with code, place and text: collects, sorts and draws them. The rows are in Diagnostics.def.
#pragma once

#include "dsl/Source.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kac {

enum class Severity { Error, Warning };

/// One row of Diagnostics.def.
struct DiagnosticRow {
  const char *code; // "E0101"
  Severity severity;
  const char *name;     // CamelCase, unique
  const char *rule;     // the rule, one sentence, said by --explain-error
  const char *section;  // the section of the language reference whose rule it holds
  const char *bad;      // smallest bad program; the character before which `«»` stands is where the caret must be
  const char *repaired; // the same program put right, or "" where there is no single repair
};

/// All rows, in the order of the codes.
const std::vector<DiagnosticRow> &diagnosticRows();
const DiagnosticRow *findDiagnostic(std::string_view code);
/// What to write instead, where a message of this code says nothing nearer: of conditions on a whole run. Else "".
const char *usualHelp(std::string_view code);

/// A place that helps to understand the message, with a remark.
struct Remark {
  Span span;
  std::string text;
};

struct Diagnostic {
  const DiagnosticRow *row = nullptr;
  Span span;
  std::string text;            // what was seen, lower case, no full stop
  std::vector<Remark> remarks; // at most two
  std::string help;            // a repair, only when sure
};

/// Collects messages. After 20 errors the rest are counted, not kept.
class Diagnostics {
public:
  Diagnostic &report(std::string_view code, Span span, std::string text);
  /// Keeps a source for as long as messages may be drawn.
  void keep(std::shared_ptr<const Source> source) { sources.push_back(std::move(source)); }
  bool hasErrors() const { return errorCount > 0; }
  int errors() const { return errorCount; }
  const std::vector<Diagnostic> &all() const { return list; }
  /// All messages sorted by place, as style.md 8.3 draws them; with colour where `colour` is set.
  std::string render(bool colour = false) const;

private:
  std::vector<std::shared_ptr<const Source>> sources;
  std::vector<Diagnostic> list;
  int errorCount = 0;
};

} // namespace kac
