public import CVerbs

/// What a code of `ibv_rate` stands for.
private struct Rate {
    /// Multiples of 2.5 Gbit/s, where the interface defines one.
    let multiple: CInt
    let megabitsPerSecond: CInt

    private init(_ multiple: CInt, _ megabitsPerSecond: CInt) {
        self.multiple = multiple
        self.megabitsPerSecond = megabitsPerSecond
    }

    /// The multiple of the rates that have none.
    private static var none: CInt { -1 }

    /// Every code with a meaning lies in this range.
    static var codes: ClosedRange<UInt32> { 2...24 }

    /// - Returns: `nil` for a code without a meaning.
    init?(_ code: ibv_rate) {
        switch code {
        case IBV_RATE_2_5_GBPS: self.init(1, 2_500)
        case IBV_RATE_5_GBPS: self.init(2, 5_000)
        case IBV_RATE_10_GBPS: self.init(4, 10_000)
        case IBV_RATE_14_GBPS: self.init(Rate.none, 14_062)
        case IBV_RATE_20_GBPS: self.init(8, 20_000)
        case IBV_RATE_25_GBPS: self.init(Rate.none, 25_781)
        case IBV_RATE_28_GBPS: self.init(11, 28_125)
        case IBV_RATE_30_GBPS: self.init(12, 30_000)
        case IBV_RATE_40_GBPS: self.init(16, 40_000)
        case IBV_RATE_50_GBPS: self.init(20, 53_125)
        case IBV_RATE_56_GBPS: self.init(Rate.none, 56_250)
        case IBV_RATE_60_GBPS: self.init(24, 60_000)
        case IBV_RATE_80_GBPS: self.init(32, 80_000)
        case IBV_RATE_100_GBPS: self.init(Rate.none, 103_125)
        case IBV_RATE_112_GBPS: self.init(Rate.none, 112_500)
        case IBV_RATE_120_GBPS: self.init(48, 120_000)
        case IBV_RATE_168_GBPS: self.init(Rate.none, 168_750)
        case IBV_RATE_200_GBPS: self.init(Rate.none, 206_250)
        case IBV_RATE_300_GBPS: self.init(Rate.none, 309_375)
        case IBV_RATE_400_GBPS: self.init(160, 425_000)
        case IBV_RATE_600_GBPS: self.init(240, 637_500)
        case IBV_RATE_800_GBPS: self.init(320, 850_000)
        case IBV_RATE_1200_GBPS: self.init(480, 1_275_000)
        default: return nil
        }
    }

    /// The code whose rate satisfies the claim, or `IBV_RATE_MAX` when none does.
    static func code(where isWanted: (Rate) -> Bool) -> ibv_rate {
        for code in Rate.codes {
            if let rate = Rate(ibv_rate(code)), isWanted(rate) { return ibv_rate(code) }
        }
        return IBV_RATE_MAX
    }
}

// MARK: - Exports

/// The rate as a multiple of 2.5 Gbit/s; -1 when it is none. See ibv_rate_to_mult(3).
@c @implementation
public func ibv_rate_to_mult(_ rate: ibv_rate) -> CInt {
    Rate(rate)?.multiple ?? -1
}

/// The rate that is a multiple of 2.5 Gbit/s; `IBV_RATE_MAX` when there is none. See ibv_rate_to_mult(3).
@c @implementation
public func mult_to_ibv_rate(_ multiple: CInt) -> ibv_rate {
    multiple < 0 ? IBV_RATE_MAX : Rate.code { rate in rate.multiple == multiple }
}

/// The rate in Mbit/s; -1 for a code without a meaning. See ibv_rate_to_mbps(3).
@c @implementation
public func ibv_rate_to_mbps(_ rate: ibv_rate) -> CInt {
    Rate(rate)?.megabitsPerSecond ?? -1
}

/// The rate of so many Mbit/s; `IBV_RATE_MAX` when there is none. See ibv_rate_to_mbps(3).
@c @implementation
public func mbps_to_ibv_rate(_ megabitsPerSecond: CInt) -> ibv_rate {
    Rate.code { rate in rate.megabitsPerSecond == megabitsPerSecond }
}
