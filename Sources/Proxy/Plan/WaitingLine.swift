/// Tickets in the order of their coming, each of which may leave from anywhere in the line.
///
/// A doubly linked list in an array that grows to the longest line there ever was: every step costs the same
/// however many wait, and none allocates once the array is large enough.
struct WaitingLine: Sendable {
    /// Where a ticket stands, for as long as it does; afterwards another may stand there.
    struct Place: Sendable, Equatable {
        fileprivate let index: Int32
    }

    private struct Node {
        /// nil: the node is free, and `next` leads to another free one.
        var ticket: Ticket?
        var previous: Int32
        var next: Int32
    }

    private static let none: Int32 = -1

    private var nodes: [Node] = []
    private var first = WaitingLine.none
    private var last = WaitingLine.none
    private var firstFree = WaitingLine.none
    private(set) var count = 0

    mutating func append(_ ticket: Ticket) -> Place {
        let node = Node(ticket: ticket, previous: last, next: WaitingLine.none)
        let index: Int32
        if firstFree == WaitingLine.none {
            index = Int32(nodes.count)
            nodes.append(node)
        } else {
            index = firstFree
            firstFree = nodes[Int(index)].next
            nodes[Int(index)] = node
        }
        if last == WaitingLine.none { first = index } else { nodes[Int(last)].next = index }
        last = index
        count += 1
        return Place(index: index)
    }

    mutating func popFirst() -> Ticket? {
        guard first != WaitingLine.none else { return nil }
        return takeOut(first)
    }

    /// - Returns: false if the ticket does not stand there any more.
    mutating func remove(_ ticket: Ticket, at place: Place) -> Bool {
        guard nodes[Int(place.index)].ticket == ticket else { return false }
        _ = takeOut(place.index)
        return true
    }

    private mutating func takeOut(_ index: Int32) -> Ticket? {
        let node = nodes[Int(index)]
        if node.previous == WaitingLine.none {
            first = node.next
        } else {
            nodes[Int(node.previous)].next = node.next
        }
        if node.next == WaitingLine.none {
            last = node.previous
        } else {
            nodes[Int(node.next)].previous = node.previous
        }
        nodes[Int(index)] = Node(ticket: nil, previous: WaitingLine.none, next: firstFree)
        firstFree = index
        count -= 1
        return node.ticket
    }
}
