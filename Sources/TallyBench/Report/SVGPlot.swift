import Foundation

/// A line chart as SVG: light, readable on white, with axes, units and a legend.
package struct SVGPlot: Sendable {
    package struct Series: Sendable {
        package let name: String
        /// In order of x; `nil` is a gap.
        package let points: [(x: Double, y: Double?)]

        package init(_ name: String, _ points: [(x: Double, y: Double?)]) {
            self.name = name
            self.points = points
        }
    }

    /// Where the ticks of the x axis are, when they are not numbers in even steps.
    package var xTicks: [(x: Double, label: String)] = []
    package var isLogarithmic = false
    /// Drawn as vertical lines.
    package var marks: [(x: Double, name: String)] = []
    private let title: String
    private let xLabel: String
    private let yLabel: String
    private let series: [Series]

    package init(_ title: String, x: String, y: String, _ series: [Series]) {
        self.title = title
        xLabel = x
        yLabel = y
        self.series = series
    }

    private static let width = 760.0
    private static let height = 300.0
    private static let left = 64.0
    private static let right = 16.0
    private static let top = 54.0
    private static let bottom = 44.0
    /// Told apart by people who see colours differently too (Okabe and Ito).
    private static let colours = [
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#000000",
    ]

    package var svg: String {
        let xs = series.flatMap(\.points).map(\.x)
        let ys = series.flatMap(\.points).compactMap(\.y).filter { !isLogarithmic || $0 > 0 }
        let frame =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 "
            + "\(Int(Self.width)) \(Int(Self.height))\" aria-label=\"\(HTML.escaped(title))\">"
        guard let x0 = xs.min(), let x1 = xs.max(), let most = ys.max(), let least = ys.min() else {
            return frame + text(Self.width / 2, Self.height / 2, "nothing was measured", "middle")
                + "</svg>"
        }
        let axis =
            isLogarithmic
            ? Axis(logarithmicFrom: least, to: most) : Axis(linearTo: most)
        let plot = Plane(
            x: x0, x1 > x0 ? x1 : x0 + 1, axis, left: Self.left,
            right: Self.width - Self.right, top: Self.top, bottom: Self.height - Self.bottom)
        var parts = [frame]
        parts.append(
            "<text x=\"\(Int(Self.left))\" y=\"18\" class=\"title\">"
                + HTML.escaped(title) + "</text>")
        parts += grid(plot) + marked(plot)
        for (number, series) in series.enumerated() { parts += lines(series, number, plot) }
        parts += legend()
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private func grid(_ plane: Plane) -> [String] {
        var parts: [String] = []
        for tick in plane.axis.ticks {
            let y = plane.y(tick)
            parts.append(line(plane.left, y, plane.right, y, "grid"))
            parts.append(text(plane.left - 6, y + 4, Self.number(tick), "end"))
        }
        let ticks =
            xTicks.isEmpty
            ? Axis.steps(from: plane.x0, to: plane.x1, about: 8).map { ($0, Self.number($0)) }
            : xTicks.map { ($0.x, $0.label) }
        for (x, label) in ticks {
            let place = plane.x(x)
            parts.append(line(place, plane.bottom, place, plane.bottom + 4, "axis"))
            parts.append(text(place, plane.bottom + 17, label, "middle"))
        }
        parts.append(line(plane.left, plane.bottom, plane.right, plane.bottom, "axis"))
        parts.append(line(plane.left, plane.top, plane.left, plane.bottom, "axis"))
        parts.append(
            text((plane.left + plane.right) / 2, Self.height - 8, xLabel, "middle", "label"))
        let middle = (plane.top + plane.bottom) / 2
        parts.append(
            "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 \(Self.short(middle))) "
                + "rotate(-90)\">\(HTML.escaped(yLabel))</text>")
        return parts
    }

    private func marked(_ plane: Plane) -> [String] {
        marks.filter { $0.x >= plane.x0 && $0.x <= plane.x1 }.map { mark in
            let x = plane.x(mark.x)
            return "<g><title>\(HTML.escaped(mark.name))</title>"
                + line(x, plane.top, x, plane.bottom, "mark") + "</g>"
        }
    }

    private func lines(_ series: Series, _ number: Int, _ plane: Plane) -> [String] {
        var runs: [[(x: Double, y: Double)]] = [[]]
        for point in series.points {
            if let y = point.y, !isLogarithmic || y > 0 {
                runs[runs.count - 1].append((plane.x(point.x), plane.y(y)))
            } else {
                runs.append([])
            }
        }
        let colour = Self.colours[number % Self.colours.count]
        return runs.filter { !$0.isEmpty }.map { run in
            let points = run.map { "\(Self.short($0.x)),\(Self.short($0.y))" }
            // A single point is no line, and would not be seen.
            if run.count == 1 {
                return
                    "<circle cx=\"\(Self.short(run[0].x))\" cy=\"\(Self.short(run[0].y))\" r=\"2\" "
                    + "fill=\"\(colour)\"/>"
            }
            return "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" "
                + "stroke=\"\(colour)\" stroke-width=\"1.6\"\(Self.dash(number))/>"
        }
    }

    private func legend() -> [String] {
        var x = Self.left
        var parts: [String] = []
        for (number, series) in series.enumerated() {
            let colour = Self.colours[number % Self.colours.count]
            parts.append(
                "<line x1=\"\(Self.short(x))\" y1=\"36\" x2=\"\(Self.short(x + 18))\" y2=\"36\" stroke=\""
                    + "\(colour)\" stroke-width=\"3\"\(Self.dash(number))/>")
            parts.append(text(x + 23, 40, series.name, "start"))
            x += 40 + 6.6 * Double(series.name.count)
        }
        guard !marks.isEmpty, let name = marks.first?.name else { return parts }
        parts.append(line(x, 30, x, 42, "mark"))
        parts.append(
            text(x + 6, 40, name.split(separator: " ").first.map(String.init) ?? "", "start"))
        return parts
    }

    /// From the fifth on, lines also differ by their dashes.
    private static func dash(_ number: Int) -> String {
        number < 4 ? "" : " stroke-dasharray=\"5 3\""
    }

    private func text(
        _ x: Double, _ y: Double, _ value: String, _ anchor: String, _ kind: String = "tick"
    ) -> String {
        "<text x=\"\(Self.short(x))\" y=\"\(Self.short(y))\" class=\"\(kind)\" "
            + "text-anchor=\"\(anchor)\">\(HTML.escaped(value))</text>"
    }

    private func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String
    ) -> String {
        "<line x1=\"\(Self.short(x1))\" y1=\"\(Self.short(y1))\" x2=\"\(Self.short(x2))\" "
            + "y2=\"\(Self.short(y2))\" class=\"\(kind)\"/>"
    }

    private static func short(_ value: Double) -> String { String(format: "%.1f", value) }

    /// Without more digits than the number needs.
    package static func number(_ value: Double) -> String {
        if value != 0, abs(value) < 10, value != value.rounded() {
            let text = String(format: "%.3f", value)
            return text.replacing(/0+$/, with: "").replacing(/\.$/, with: "")
        }
        return HTML.number(value)
    }
}

/// The y axis.
private struct Axis {
    let low: Double
    let high: Double
    let ticks: [Double]
    let isLogarithmic: Bool

    init(linearTo most: Double) {
        let ticks = Self.steps(from: 0, to: most > 0 ? most : 1, about: 5, beyond: true)
        self.ticks = ticks
        low = 0
        high = ticks.last ?? 1
        isLogarithmic = false
    }

    init(logarithmicFrom least: Double, to most: Double) {
        let first = floor(log10(least))
        let last = max(first + 1, ceil(log10(most)))
        low = pow(10, first)
        high = pow(10, last)
        var ticks: [Double] = []
        for exponent in Int(first)...Int(last) {
            for factor in last - first <= 3 ? [1.0, 2, 5] : [1.0] {
                let tick = factor * pow(10, Double(exponent))
                if tick <= high { ticks.append(tick) }
            }
        }
        self.ticks = ticks
        isLogarithmic = true
    }

    /// Round numbers in even steps.
    /// - Parameter beyond: whether the last one covers the end.
    static func steps(
        from start: Double, to end: Double, about count: Int, beyond: Bool = false
    ) -> [Double] {
        let rough = (end - start) / Double(count)
        guard rough > 0 else { return [start] }
        let power = pow(10, floor(log10(rough)))
        let step = [1.0, 2, 5, 10].first { $0 * power >= rough }.map { $0 * power } ?? rough
        var ticks: [Double] = []
        var index = ceil(start / step)
        while index * step <= end * (1 + 1e-9) {
            ticks.append(index * step)
            index += 1
        }
        if beyond, (ticks.last ?? start) < end { ticks.append(index * step) }
        return ticks
    }
}

/// From figures to places on the page.
private struct Plane {
    let x0: Double
    let x1: Double
    let axis: Axis
    let left: Double
    let right: Double
    let top: Double
    let bottom: Double

    init(
        x x0: Double, _ x1: Double, _ axis: Axis, left: Double, right: Double, top: Double,
        bottom: Double
    ) {
        (self.x0, self.x1, self.axis) = (x0, x1, axis)
        (self.left, self.right, self.top, self.bottom) = (left, right, top, bottom)
    }

    func x(_ value: Double) -> Double { left + (value - x0) / (x1 - x0) * (right - left) }

    func y(_ value: Double) -> Double {
        let share =
            axis.isLogarithmic
            ? (log10(max(value, axis.low)) - log10(axis.low)) / (log10(axis.high) - log10(axis.low))
            : (value - axis.low) / (axis.high - axis.low)
        return bottom - share * (bottom - top)
    }
}
