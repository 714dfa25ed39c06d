// Nothing but the name of a product: libibverbs.so.1 is `VerbsABI`, linked as Package.swift says.

internal import VerbsABI
