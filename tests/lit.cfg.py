# The lit runs of one folder under tests/: its *.mlir and *.test files, with our programs and LLVM's FileCheck in the path.
import os

import lit.formats

config.name = config.folder
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.join(config.kac_root, "tests", config.folder)
config.test_exec_root = os.path.join(os.path.dirname(config.kac_bin), "tests", config.folder)
config.environment["PATH"] = os.pathsep.join([config.kac_bin, config.llvm_tools, os.environ["PATH"]])
config.environment["NO_COLOR"] = "1"
config.substitutions.append(("%root", config.kac_root))
