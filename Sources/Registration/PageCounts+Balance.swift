// The AVL tree below `PageCounts`: every change goes down once, notes its path, and comes up once, balancing and renewing
// what each subtree knows of itself.

extension PageCounts {
    /// Adds `change`, which is not 0, to the step at `address`; a step that becomes 0 disappears.
    internal mutating func addStep(_ change: Int32, at address: UInt) {
        var depth = 0
        var index = self.root
        while index != NodePool.none {
            self.path[depth] = index
            depth += 1
            let node = self.nodes[index]
            if address == node.address {
                self.nodes[index].step += change
                if node.step + change == 0 { depth = self.unlink(depth: depth) }
                self.renewPath(depth: depth)
                return
            }
            index = address < node.address ? node.left : node.right
        }
        let new = self.nodes.take(address: address, step: change)
        self.replaceChild(NodePool.none, by: new, depth: depth, address: address)
        self.renewPath(depth: depth)
    }

    /// Takes the last node of the path out of the tree.
    ///
    /// - Returns: The length of the path to the parent of the place from which a node vanished.
    private mutating func unlink(depth: Int) -> Int {
        var depth = depth
        let target = self.path[depth - 1]
        var index = target
        if self.nodes[target].left != NodePool.none, self.nodes[target].right != NodePool.none {
            // The node keeps its place and takes over the contents of the next one, which has no left child.
            index = self.nodes[target].right
            self.path[depth] = index
            depth += 1
            while self.nodes[index].left != NodePool.none {
                index = self.nodes[index].left
                self.path[depth] = index
                depth += 1
            }
            self.nodes[target].address = self.nodes[index].address
            self.nodes[target].step = self.nodes[index].step
        }
        let node = self.nodes[index]
        let child = node.left != NodePool.none ? node.left : node.right
        self.replaceChild(index, by: child, depth: depth - 1, address: node.address)
        self.nodes.give(back: index)
        return depth - 1
    }

    /// Hangs `new` where `old` was, below the node at the end of a path of `depth` nodes.
    private mutating func replaceChild(_ old: UInt32, by new: UInt32, depth: Int, address: UInt) {
        guard depth > 0 else {
            self.root = new
            return
        }
        let parent = self.path[depth - 1]
        if old == NodePool.none {
            if address < self.nodes[parent].address {
                self.nodes[parent].left = new
            } else {
                self.nodes[parent].right = new
            }
        } else if self.nodes[parent].left == old {
            self.nodes[parent].left = new
        } else {
            self.nodes[parent].right = new
        }
    }

    /// Balances and renews every node of the path, from its end to the top.
    private mutating func renewPath(depth: Int) {
        var depth = depth
        while depth > 0 {
            depth -= 1
            let old = self.path[depth]
            let new = self.balance(old)
            if new != old { self.replaceChild(old, by: new, depth: depth, address: 0) }
        }
    }

    /// Makes the heights below a node differ by at most one. Both subtrees are balanced and renewed already.
    ///
    /// - Returns: The node that stands at the top now.
    private mutating func balance(_ index: UInt32) -> UInt32 {
        let node = self.nodes[index]
        let lean = self.nodes[node.left].height - self.nodes[node.right].height
        if lean > 1 {
            let left = self.nodes[node.left]
            if self.nodes[left.left].height < self.nodes[left.right].height {
                self.nodes[index].left = self.rotateLeft(node.left)
            }
            return self.rotateRight(index)
        }
        if lean < -1 {
            let right = self.nodes[node.right]
            if self.nodes[right.right].height < self.nodes[right.left].height {
                self.nodes[index].right = self.rotateRight(node.right)
            }
            return self.rotateLeft(index)
        }
        self.renew(index)
        return index
    }

    private mutating func rotateLeft(_ index: UInt32) -> UInt32 {
        let top = self.nodes[index].right
        self.nodes[index].right = self.nodes[top].left
        self.nodes[top].left = index
        self.renew(index)
        self.renew(top)
        return top
    }

    private mutating func rotateRight(_ index: UInt32) -> UInt32 {
        let top = self.nodes[index].left
        self.nodes[index].left = self.nodes[top].right
        self.nodes[top].right = index
        self.renew(index)
        self.renew(top)
        return top
    }

    /// Computes what a node knows of its subtree from what its children know.
    private mutating func renew(_ index: UInt32) {
        let node = self.nodes[index]
        let left = self.nodes[node.left]
        let right = self.nodes[node.right]
        let here = left.sum + node.step
        self.nodes[index].sum = here + right.sum
        self.nodes[index].lowest = min(left.lowest, here, here + right.lowest)
        self.nodes[index].height = max(left.height, right.height) + 1
    }
}

// MARK: - Invariants

extension PageCounts {
    /// Asserts the order, the balance and the sums of the whole tree, in debug builds. Linear in the number of steps.
    package func checkInvariants() {
        assert(self.checkedHeight(of: self.root, from: 0, to: .max) >= 0)
        assert(self.nodes[self.root].sum == 0, "every mark ends somewhere")
        assert(self.root == NodePool.none || self.nodes[self.root].lowest == 0, "a count is negative")
    }

    private func checkedHeight(of index: UInt32, from lowerBound: UInt, to upperBound: UInt) -> Int32 {
        guard index != NodePool.none else { return 0 }
        let node = self.nodes[index]
        let left = self.checkedHeight(of: node.left, from: lowerBound, to: node.address)
        let right = self.checkedHeight(of: node.right, from: node.address + 1, to: upperBound)
        assert(node.address >= lowerBound && node.address < upperBound)
        assert(abs(left - right) <= 1)
        assert(node.step != 0)
        assert(node.height == max(left, right) + 1)
        assert(node.sum == self.nodes[node.left].sum + node.step + self.nodes[node.right].sum)
        return node.height
    }
}
