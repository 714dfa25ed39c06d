import CShims
import Glibc

/// Where an address of code belongs: the image (program or library) and, if it can be told, the function.
package struct CodeLocation: CustomStringConvertible {
    package let imagePath: String
    package let imageBase: UInt
    package let address: UInt
    /// The name of the function, as the linker knows it, and the distance from its beginning.
    package let function: (name: String, byteOffset: UInt)?

    /// Nil when the address belongs to nothing that is loaded.
    package init?(of address: UInt) {
        var image: UnsafePointer<CChar>?
        var base: UnsafeRawPointer?
        var symbol: UnsafePointer<CChar>?
        var symbolAddress: UnsafeRawPointer?
        // SAFETY: the loader's strings live as long as the image, and are copied right away.
        let result = unsafe cshims_dladdr(UnsafeRawPointer(bitPattern: address), &image, &base, &symbol, &symbolAddress)
        guard result != 0, let image = unsafe image, let base = unsafe base else { return nil }
        self.imagePath = unsafe String(cString: image)
        self.imageBase = UInt(bitPattern: base)
        self.address = address
        if let symbol = unsafe symbol, let symbolAddress = unsafe symbolAddress {
            self.function = unsafe (String(cString: symbol), address - UInt(bitPattern: symbolAddress))
        } else {
            self.function = SymbolTable.function(at: address, imageBase: self.imageBase, path: self.imagePath)
        }
    }

    /// The function, the file, and the place in the file, from which addr2line(1) tells the source line.
    package var description: String {
        let place = "\(self.imagePath)+0x\(String(self.address - self.imageBase, radix: 16))"
        guard let function = self.function else { return place }
        return "\(function.name)+0x\(String(function.byteOffset, radix: 16)) (\(place))"
    }

    /// Where the program itself is loaded; nil if the loader does not tell.
    internal static let programBase: UInt? = {
        // The entry of the program is in the auxiliary vector (AT_ENTRY).
        let entry = UInt(getauxval(9))
        var image: UnsafePointer<CChar>?
        var base: UnsafeRawPointer?
        var symbol: UnsafePointer<CChar>?
        var symbolAddress: UnsafeRawPointer?
        // SAFETY: only the base, a number, is used.
        let result = unsafe cshims_dladdr(UnsafeRawPointer(bitPattern: entry), &image, &base, &symbol, &symbolAddress)
        return unsafe result == 0 ? nil : base.map { UInt(bitPattern: $0) }
    }()
}
