// kacc cache clear: the folder of compiled programs emptied.
#include "compiler/Cache.h"
#include "compiler/commands/Commands.h"

#include <iostream>

namespace kac {

int clearCacheCommand() {
  Cache cache;
  std::uintmax_t freed = cache.clear();
  std::cout << "freed " << (freed + 1023) / 1024 << " KiB in " << cache.folder().string() << '\n';
  return Done;
}

} // namespace kac
