import ModelTypes

/// Turns nodes as a file numbers them into a tree's own numbering: breadth first from the root, what the root does not reach
/// left out (XGBoost keeps the nodes that pruning deleted).
enum TreeAssembler {
    /// - Parameters:
    ///   - nodeCount: How many nodes the file has for this tree.
    ///   - offset: Where errors are placed.
    ///   - node: The node with a number of the file, its children by numbers of the file.
    static func assemble(
        nodeCount: Int, offset: Int, node: (Int) throws(ModelFormatError) -> TreeNode
    ) throws(ModelFormatError) -> [TreeNode] {
        guard nodeCount > 0 else { throw ModelFormatError(.inconsistent("a tree without nodes"), at: offset) }
        var nodes: [TreeNode] = []
        nodes.reserveCapacity(nodeCount)
        var fileNumbers = [0]
        fileNumbers.reserveCapacity(nodeCount)
        while nodes.count < fileNumbers.count {
            let current = try node(fileNumbers[nodes.count])
            if current.kind == .leaf {
                nodes.append(current)
                continue
            }
            for child in [current.left, current.right] where child <= 0 || Int(child) >= nodeCount {
                throw ModelFormatError(.inconsistent("a child that is not in its tree"), at: offset)
            }
            // A node with two parents, or a cycle, would be numbered twice.
            guard fileNumbers.count + 2 <= nodeCount else {
                throw ModelFormatError(.inconsistent("a node with two parents"), at: offset)
            }
            let left = Int32(fileNumbers.count)
            fileNumbers.append(Int(current.left))
            fileNumbers.append(Int(current.right))
            nodes.append(current.with(left: left, right: left + 1))
        }
        return nodes
    }
}
