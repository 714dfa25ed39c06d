internal import Registration
package import Segment
package import SystemIO

// Changing a region that is in use. See ibv_rereg_mr(3).

extension MemoryRegion {
    /// What `reregister` changes: the bits of `ibv_rereg_mr_flags`.
    package struct Changes: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static var translation: Changes { Changes(rawValue: 1) }
        package static var domain: Changes { Changes(rawValue: 1 << 1) }
        package static var access: Changes { Changes(rawValue: 1 << 2) }
    }

    /// Why nothing was changed.
    package struct ChangeFailure: Error, Equatable {
        package let errno: Errno
        /// The pages of the new range could not be kept out of forked children, or not be pinned.
        package let isAboutPages: Bool

        internal init(_ errno: Errno, isAboutPages: Bool = false) {
            self.errno = errno
            self.isAboutPages = isAboutPages
        }
    }

    /// Changes the region. A new translation has new keys; else they stay. When this throws, the region is as it was.
    ///
    /// - Throws: As `init` does; `EINVAL` for unknown changes or none, for a domain of another context, and for a region that
    ///   is not memory of the program; `EBUSY` while a window is bound to it.
    package func reregister(
        _ changes: Changes,
        domain: ProtectionDomain?,
        address: UInt64,
        byteCount: UInt64,
        access: AccessFlags
    ) throws(ChangeFailure) {
        let newDomain: ProtectionDomain
        var target = MemoryTarget(
            address: self.address,
            byteCount: self.byteCount,
            virtualAddress: self.virtualAddress,
            access: changes.contains(.access) ? access : self.access
        )
        do throws(Errno) {
            newDomain = try self.domain(after: changes, domain)
            if changes.contains(.translation) {
                target.address = address
                target.byteCount = byteCount
                target.virtualAddress = address
            }
            if target.access.contains(.zeroBased) { target.virtualAddress = 0 }
            // On demand or not is a matter of how the region was made.
            guard target.kind == self.kind else { throw .invalidArgument }
            try target.check()
            try newDomain.users.begin()
        } catch {
            throw ChangeFailure(error)
        }
        do throws(ChangeFailure) {
            if changes.contains(.translation) || target.virtualAddress != self.virtualAddress {
                try self.move(to: target, newDomain)
            } else {
                try self.change(target.access, newDomain)
            }
        } catch {
            newDomain.users.end()
            throw error
        }
        self.domain.users.end()
        self.domain = newDomain
        self.access = target.access
    }

    private func domain(
        after changes: Changes,
        _ domain: ProtectionDomain?
    ) throws(Errno) -> ProtectionDomain {
        try ProcessGuard.check(self.generation)
        guard self.range != nil, self.kind == .region || self.kind == .onDemandRegion,
            !changes.isEmpty, changes.subtracting([.translation, .domain, .access]).isEmpty,
            let newDomain = changes.contains(.domain) ? domain : self.domain,
            newDomain.context === self.domain.context
        else { throw .invalidArgument }
        return newDomain
    }

    private func change(_ access: AccessFlags, _ domain: ProtectionDomain) throws(ChangeFailure) {
        do throws(Errno) {
            try self.domain.context.segment.change(key: self.key, access: access, domain: domain.handle)
        } catch {
            throw ChangeFailure(error)
        }
    }

    /// Registers the new range, and then ends the old one: if the new one cannot be had, nothing has changed.
    private func move(to target: MemoryTarget, _ domain: ProtectionDomain) throws(ChangeFailure) {
        let segment = self.domain.context.segment
        let newRange: RegisteredRange
        do throws(Errno) {
            newRange = try target.registeredRange(in: segment, kind: self.kind)
        } catch {
            throw ChangeFailure(error, isAboutPages: true)
        }
        do throws(Errno) {
            let newKey = try target.register(in: segment, domain: domain, kind: self.kind)
            do throws(Errno) {
                try segment.deregister(key: self.key)
            } catch {
                try? segment.deregister(key: newKey)
                throw error
            }
            self.key = newKey
        } catch {
            throw ChangeFailure(error)
        }
        self.range = consume newRange
        self.address = target.address
        self.byteCount = target.byteCount
        self.virtualAddress = target.virtualAddress
    }
}
