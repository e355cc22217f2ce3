// A checked model in, the names that its printed program uses out: one for each function, operation, law and condition
// that its samplers, requirements and tests need, legal, unique, and not of the library.
#pragma once

#include "dsl/Model.h"

#include <functional>
#include <map>
#include <set>

namespace kac {

class PrintedNames {
public:
  explicit PrintedNames(const Model &model);

  /// The functions to be printed as such, in the order of the model: all that is needed but what is written in place.
  const std::vector<const Function *> &functions() const { return reached; }
  /// By key; of those with derivatives the declaration names these.
  const std::map<std::string, const Expr *> &operations() const { return named; }
  /// The texts of conditions in procedures.
  const std::set<std::string> &demands() const { return texts; }
  bool usesCasts() const { return casts; }

  const std::string &of(const Function &function) const { return names.at(function.name); }
  const std::string &ofOperation(const Expr &expr) const { return names.at(key(expr)); }
  const std::string &ofDemand(const std::string &text) const { return names.at(demandKey(text)); }
  const std::string &ofCast() const { return names.at(castKey); }
  /// Whether a local may not be called so.
  bool isTaken(const std::string &name) const { return taken.count(name) > 0; }
  /// Whether the number of lineages is a parameter, since none has it in its type.
  bool takesLineages(const Function &function) const { return lineages.count(&function) > 0; }
  /// Whether this function is the body of a field in the braces of a sampler, or of an operation's derivative.
  bool isInPlace(const Function &function) const { return inPlace.count(&function) > 0; }

  /// Whether a condition is a declaration: what the type of an input asks for follows from its own, and what a target
  /// asks for is the derivation's.
  bool isWritten(const Requirement &requirement) const;

  /// An operation as it is declared: the same name may be given other derivatives.
  static std::string key(const Expr &expr);
  /// A name of letters, digits and underscores.
  static std::string plain(const std::string &name);

private:
  void enter(const Function *function, bool field);
  void reach(const Function *function);
  void visit(const Function &function);
  void seeLineages();
  bool mayBeField(const Function *function);
  void seeLibrary();
  std::string fresh(const std::string &name);
  static std::string demandKey(const std::string &text) { return "require " + text; }
  static constexpr const char *castKey = "as real";

  const Model &model;
  std::vector<const Function *> reached;
  std::map<std::string, const Expr *> named;
  std::set<std::string> texts, taken;
  std::set<std::string> hidden; // what a function may not be called, but a local may
  std::map<std::string, std::string> names;
  std::set<const Function *> seen, inPlace, lineages, mentions;
  std::map<const Function *, std::set<const Function *>> callees;
  bool casts = false;
};

/// The library's word for the number of lineages: also what a size of that length is called.
inline const std::string kLineages = "particles";

bool mentionsLineages(const Type &type);

} // namespace kac
