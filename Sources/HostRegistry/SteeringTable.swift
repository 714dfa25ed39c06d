package import SystemIO
import Wire

/// Which socket of the group belongs to which block of queue pair numbers, as far as is known; and the program that
/// makes the kernel choose accordingly.
///
/// The kernel appends a socket that joins, and moves the last one into the place of one that leaves. A table that goes
/// along with that is right as long as no death goes unseen; indices that were learnt by probing put it right again.
package struct SteeringTable: Hashable, Sendable {
    /// The members, in the order of their sockets' indices; `nil` where it is not known whose socket it is.
    package private(set) var places: [QPNBlock?]

    /// Highest index that is believed, one more than there can be members.
    private static var indexMax: Int { Int(QPNBlock.countMax) }

    package init() {
        self.places = []
    }

    /// Builds the table from what each member is believed to have.
    ///
    /// Where two claim one index, the one that was learnt by probing stands, and the other gets a place that is left.
    package init(claims: [Claim]) {
        let learntEnd = claims.lazy.filter { $0.isLearnt && $0.index <= Self.indexMax }.map { $0.index + 1 }.max() ?? 0
        self.places = Array(repeating: nil, count: max(claims.count, learntEnd))
        var homeless: [QPNBlock] = []
        for claim in claims.sorted(by: { $0.precedes($1) }) {
            if claim.index < self.places.count, self.places[claim.index] == nil {
                self.places[claim.index] = claim.block
            } else {
                homeless.append(claim.block)
            }
        }
        for block in homeless {
            // There are at least as many places as claims, so that one is left for each.
            guard let place = self.places.firstIndex(of: nil) else { preconditionFailure("no place is left") }
            self.places[place] = block
        }
    }

    /// How many sockets the group is believed to have.
    package var count: Int { self.places.count }

    /// What is believed of one member.
    package struct Claim: Hashable, Sendable {
        package var block: QPNBlock
        package var index: Int
        /// Whether a probe said so, and not bookkeeping.
        package var isLearnt: Bool

        package init(block: QPNBlock, index: Int, isLearnt: Bool) {
            self.block = block
            self.index = index
            self.isLearnt = isLearnt
        }

        fileprivate func precedes(_ other: Claim) -> Bool {
            if self.isLearnt != other.isLearnt { return self.isLearnt }
            return self.index != other.index
                ? self.index < other.index : self.block.rawValue < other.block.rawValue
        }
    }
}

// MARK: - Changes

extension SteeringTable {
    /// A socket was bound.
    package mutating func append(_ block: QPNBlock) {
        self.places.append(block)
    }

    /// A socket was closed. Nothing happens if it was not in the table.
    package mutating func remove(_ block: QPNBlock) {
        guard let index = self.index(of: block) else { return }
        self.places.swapAt(index, self.places.count - 1)
        self.places.removeLast()
    }

    package func index(of block: QPNBlock) -> Int? {
        self.places.firstIndex(of: block)
    }
}

// MARK: - Program

extension SteeringTable {
    /// The steering program.
    ///
    /// - Parameter serviceOwner: Who gets what is addressed to block 0, that is to queue pair 1.
    package func program(serviceOwner: QPNBlock?) -> [SocketFilterInstruction] {
        var program: [SocketFilterInstruction] = [
            .loadWord(at: 4), .and(0x00FF_FFFF),
            // The probe clause: the index stands in the PSN.
            .compareEqual(to: IndexProbe.destQP.rawValue, skipIfTrue: 0, skipIfFalse: 3),
            .loadWord(at: 8), .and(0x00FF_FFFF), .answerLoaded,
            .shiftRight(by: UInt32(QPNBlock.numberBitCount)),
        ]
        if let serviceOwner, let index = self.index(of: serviceOwner) {
            program += Self.clause(block: 0, index: index)
        }
        for (index, block) in self.places.enumerated() {
            guard let block else { continue }
            program += Self.clause(block: block.rawValue, index: index)
        }
        // No index: the kernel takes any socket, whose owner finds that nobody has the number.
        program.append(.answer(.max))
        return program
    }

    private static func clause(block: UInt32, index: Int) -> [SocketFilterInstruction] {
        [.compareEqual(to: block, skipIfTrue: 0, skipIfFalse: 1), .answer(UInt32(index))]
    }
}
