import SystemIO

/// Tells, at a fork, of registered memory that the child inherits: on an adapter, the first write after the fork would
/// exchange its pages by copy-on-write, and the device would go on with the old ones. `VERBENA_FORK_CHECK` turns it on.
///
/// It remembers every registration with the calls that led to it, and tells of each such place once.
package final class ForkCheck: @unchecked Sendable {
    // SAFETY (unchecked): the stored variables are touched under `lock` only.

    /// What happens when there is something to tell.
    package enum Mode: Sendable {
        /// One report for each place that registers.
        case report
        /// The same, and the program is stopped: for tests that must not pass.
        case abort
    }

    private struct Registration {
        var pages: PageRange
        var site: Int
    }

    private struct Site {
        var stack: CallStack
        var isTold = false
        /// Bytes that the child which is being made would share, in how many registrations.
        var exposedByteCount: UInt = 0
        var registrationCount = 0
    }

    package let mode: Mode
    private let lock = Lock()
    private var registrations: [Int: Registration] = [:]
    private var nextNumber = 0
    private var sites: [Site] = []
    private var siteNumbers: [CallStack: Int] = [:]

    package init(mode: Mode) {
        self.mode = mode
    }
}

// MARK: - Registrations

extension ForkCheck {
    /// Remembers a registration that is made by the caller's caller. Returns its number.
    internal func note(_ pages: PageRange) -> Int {
        let stack = CallStack.captureCallers()
        return self.lock.withLock {
            let site = self.siteNumbers[stack] ?? self.sites.count
            if site == self.sites.count {
                self.sites.append(Site(stack: stack))
                self.siteNumbers[stack] = site
            }
            self.nextNumber += 1
            self.registrations[self.nextNumber] = Registration(pages: pages, site: site)
            return self.nextNumber
        }
    }

    internal func forget(_ number: Int) {
        self.lock.withLock { _ = self.registrations.removeValue(forKey: number) }
    }
}

// MARK: - At a fork

extension ForkCheck {
    /// Looks at all registered memory, tells what must be told, and stops the program if it shall. When marked pages have
    /// their flags already.
    internal func check() {
        let told = self.lock.withLock { self.sitesToTell() }
        for site in told { Self.tell(site) }
        if !told.isEmpty, self.mode == .abort {
            Diagnostics.warn("fork check: stopping the program, as VERBENA_FORK_CHECK=abort asks.")
            ProcessAbort.abort()
        }
    }

    private func sitesToTell() -> [Site] {
        guard !self.registrations.isEmpty else { return [] }
        let exposed = Self.exposedMappings()
        for index in self.sites.indices {
            self.sites[index].exposedByteCount = 0
            self.sites[index].registrationCount = 0
        }
        for registration in self.registrations.values {
            let byteCount = Self.byteCount(of: registration.pages, in: exposed)
            guard byteCount > 0 else { continue }
            self.sites[registration.site].exposedByteCount += byteCount
            self.sites[registration.site].registrationCount += 1
        }
        var told: [Site] = []
        for index in self.sites.indices where self.sites[index].exposedByteCount > 0 && !self.sites[index].isTold {
            self.sites[index].isTold = true
            told.append(self.sites[index])
        }
        return told
    }

    /// The mappings that a child gets copies of, in the order of addresses. Shared mappings stay shared: nothing is
    /// exchanged there.
    private static func exposedMappings() -> [MemoryMapping] {
        var mappings: [MemoryMapping] = []
        MappingList.forEach { mapping in
            if mapping.isPrivate, !mapping.isLeftOutOfChildren { mappings.append(mapping) }
            return true
        }
        return mappings
    }

    private static func byteCount(of pages: PageRange, in mappings: [MemoryMapping]) -> UInt {
        var (low, high) = (0, mappings.count)
        while low < high {
            let middle = (low + high) / 2
            if mappings[middle].upperBound > pages.lowerBound { high = middle } else { low = middle + 1 }
        }
        var sum: UInt = 0
        while low < mappings.count, mappings[low].lowerBound < pages.upperBound {
            let mapping = mappings[low]
            sum += min(mapping.upperBound, pages.upperBound) - max(mapping.lowerBound, pages.lowerBound)
            low += 1
        }
        return sum
    }

    private static func tell(_ site: Site) {
        let regions = site.registrationCount == 1 ? "1 region" : "\(site.registrationCount) regions"
        Diagnostics.warn(
            """
            fork check: the child of this fork inherits \(site.exposedByteCount) bytes of registered memory (\(regions)). \
            On an adapter, the first write to them after the fork would leave the device with the old pages. Call \
            ibv_fork_init() before registering, or set RDMAV_FORK_SAFE=1. Registered by:
            """
        )
        for line in site.stack.lines { Diagnostics.warn("    " + line) }
    }

    /// In a child: what the parent registered is not the child's.
    internal func childAfterFork() {
        self.lock.reinitializeAfterFork()
        self.registrations = [:]
    }

    /// Before the fork, so that the child finds the tables whole.
    internal func prepareForFork() {
        self.lock.lock()
    }

    internal func parentAfterFork() {
        self.lock.unlock()
    }
}
