import ArgumentParser

@main
struct Verbena: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "verbena")
}
