import TallyBench
package import TallyClient

extension Measure {
    package var json: JSON {
        var members: [JSONObject.Member] = [
            .init("id", .string(id)), .init("name", .string(name)), .init("unit", .string(unit)),
            .init("goal", .figure(goal.number)), .init("goalOf", .string(goal.judged.rawValue)),
            .init("goalDirection", .string(goal.direction.rawValue)),
        ]
        if let design = goal.design { members.append(.init("designGoal", .figure(design))) }
        members.append(.init("boundName", .string(boundName)))
        switch state {
        case .measured(let outcome):
            members += [
                .init("value", .figure(outcome.value)), .init("bound", .figure(outcome.bound)),
                .init("ratio", .figure(outcome.ratio)),
                .init(
                    "spread",
                    ["least": .figure(outcome.least), "most": .figure(outcome.most)]),
                .init("repetitions", JSON(outcome.repetitions)),
            ]
        case .failed(let reason):
            members += [
                .init("value", .null), .init("bound", .null), .init("failure", .string(reason)),
            ]
        case .absent(let reason):
            members += [
                .init("value", .null), .init("bound", .null), .init("absent", .string(reason)),
            ]
        }
        members.append(.init("met", .bool(isMet)))
        members.append(
            .init(
                "details",
                .object(JSONObject(details.map { .init($0.name, .figure($0.value)) }))))
        return .object(JSONObject(members))
    }

    /// A measure that another process wrote as `json`; `nil` for anything else.
    package init?(_ json: JSON) {
        guard let id = json["id"]?.stringValue, let name = json["name"]?.stringValue,
            let unit = json["unit"]?.stringValue, let number = json["goal"]?.figure,
            let judged = json["goalOf"]?.stringValue.flatMap(Goal.Judged.init),
            let direction = json["goalDirection"]?.stringValue.flatMap(Goal.Direction.init),
            let boundName = json["boundName"]?.stringValue,
            let details = json["details"]?.objectValue
        else { return nil }
        let state: State
        if let reason = json["failure"]?.stringValue {
            state = .failed(reason)
        } else if let reason = json["absent"]?.stringValue {
            state = .absent(reason)
        } else if let value = json["value"]?.figure, let bound = json["bound"]?.figure,
            let ratio = json["ratio"]?.figure, let least = json["spread"]?["least"]?.figure,
            let most = json["spread"]?["most"]?.figure,
            let repetitions = json["repetitions"]?.int64Value
        {
            state = .measured(
                Outcome(
                    value: value, bound: bound, ratio: ratio, least: least, most: most,
                    repetitions: Int(repetitions)))
        } else {
            return nil
        }
        self.init(
            id: id, name: name, unit: unit, boundName: boundName,
            goal: Goal(judged, direction, number, design: json["designGoal"]?.figure),
            state: state,
            details: details.members.compactMap { member in
                member.value.figure.map { Detail(member.key, $0) }
            })
    }
}
