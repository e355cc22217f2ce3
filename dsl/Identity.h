// A structure in; a name that is its own out. Two structures have the same name where they are made of the same
// definitions and equal values, however often the text that makes them is evaluated; else they have different ones.
#pragma once

#include "dsl/Value.h"

namespace kac::checking {

class Identity {
public:
  /// The structure's own name where no other has taken it, else that with a number. The structure does not capture
  /// run-time values of a function.
  std::string nameOf(const StructurePtr &structure);
  /// A text that is equal for structures that differ in run-time values of a function alone: what their fields are, and
  /// what they are fields of, is then the same. Holds as long as the structures live that it was asked of.
  std::string likenessOf(const StructurePtr &structure);
  /// The value that these statements lead up to, as a text that is equal where it is computed alike: by any slots of
  /// the function's own, and by the same of those from before, of which there are `outer`.
  std::string describe(const Block &block, const Value &value, size_t outer);
  /// A text that is equal for functions that compute the same in the same way.
  std::string describe(const Function &function);
  /// What a structure is made of, equal where it is; the structure does not capture run-time values of a function.
  std::string describe(const StructurePtr &structure);

private:
  /// Texts that are equal where the things are; long ones are replaced by numbers.
  std::string describe(const Value &value);
  std::string describe(const Function *function);
  std::string describe(const Bindings &bindings);
  std::string describe(const ScopePtr &scope);
  std::string describe(const Expr &e, std::map<int, int> &slots);
  std::string describe(const Block &block, std::map<int, int> &slots);
  std::string numbered(const std::string &text);

  bool byType = false;                  // run-time values of a function are described by their types
  std::map<int, int> *within = nullptr; // numbers of the slots of the function that a value is described in
  std::map<std::string, size_t> numbers;
  std::map<std::string, std::string> names;       // of descriptions
  std::map<std::string, size_t> taken;            // how many have each name
  std::map<StructurePtr, std::string> structures; // names found; keeps their addresses from being reused
  std::map<const Function *, std::string> functions;
  std::vector<const Structure *> around; // being described
  size_t outermost = 0;                  // of these, that what is being described mentions
};

} // namespace kac::checking
