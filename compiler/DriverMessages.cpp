// Messages of MLIR in, rows of Diagnostics out: their places, which are file, line and column, become spans again.
#include "compiler/DriverMessages.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

#include <cctype>

namespace kac {
namespace {

/// Of the places that led to an operation the innermost in the program's own file; else the innermost.
mlir::FileLineColLoc placeOf(mlir::Location location, const Model *model) {
  mlir::FileLineColLoc found;
  const std::string own = model && !model->sources.empty() ? model->sources.back()->name() : "";
  location->walk([&](mlir::Location inner) {
    auto place = mlir::dyn_cast<mlir::FileLineColLoc>(inner);
    bool isOwn = place && place.getFilename() == own;
    if (place && (!found || isOwn))
      found = place;
    return isOwn ? mlir::WalkResult::interrupt() : mlir::WalkResult::advance();
  });
  return found;
}

/// The name or sign that begins at `begin`, for the caret to underline.
uint32_t endOfWord(std::string_view text, uint32_t begin) {
  uint32_t end = begin;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_'))
    ++end;
  return end > begin ? end : begin + 1;
}

Span spanOf(mlir::Location location, const Model *model) {
  mlir::FileLineColLoc place = placeOf(location, model);
  if (!place || !model)
    return {};
  for (const std::shared_ptr<const Source> &source : model->sources) {
    if (source->name() != place.getFilename().str() || place.getLine() == 0)
      continue;
    std::string_view line = source->line(static_cast<int>(place.getLine()));
    uint32_t begin = static_cast<uint32_t>(line.data() - source->text().data());
    // The column counts code points: bytes that continue one are passed over.
    for (unsigned column = 1; column < place.getColumn() && begin < source->text().size(); ++column) {
      ++begin;
      while (begin < source->text().size() && (source->text()[begin] & 0xc0) == 0x80)
        ++begin;
    }
    return {source.get(), begin, endOfWord(source->text(), begin)};
  }
  return {};
}

bool hasCode(const std::string &text) {
  return text.size() > 6 && (text[0] == 'E' || text[0] == 'W') && text[5] == ':' &&
         findDiagnostic(std::string_view(text).substr(0, 5));
}

} // namespace

void translateMessage(mlir::Diagnostic &from, const Model *model, Diagnostics &messages, std::string &defect) {
  std::string text = from.str();
  if (!hasCode(text)) {
    if (from.getSeverity() == mlir::DiagnosticSeverity::Error && defect.empty())
      defect = text;
    return;
  }
  size_t begin = text.find_first_not_of(' ', 6);
  Diagnostic &to = messages.report(text.substr(0, 5), spanOf(from.getLocation(), model), text.substr(begin));
  constexpr std::string_view help = "help: ";
  for (mlir::Diagnostic &note : from.getNotes()) {
    std::string words = note.str();
    if (words.compare(0, help.size(), help) == 0)
      to.help = words.substr(help.size());
    else if (Span span = spanOf(note.getLocation(), model); span.source && to.remarks.size() < 2)
      to.remarks.push_back({span, words});
  }
}

} // namespace kac
