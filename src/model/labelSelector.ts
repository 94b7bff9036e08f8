/** Label selectors as objects hold them (metav1.LabelSelector). */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly LabelRequirement[];
}

export type Labels = Readonly<Record<string, string>>;

export const SELECTOR_OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

export interface LabelRequirement {
  readonly key: string;
  readonly operator: (typeof SELECTOR_OPERATORS)[number];
  /** of In and NotIn not empty, else empty */
  readonly values?: readonly string[];
}

/** All of it must fit; an empty one fits everything. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => valueOf(labels, key) === value) &&
    matchExpressions.every((requirement) => requirementMatches(requirement, labels))
  );
}

function requirementMatches(
  { key, operator, values = [] }: LabelRequirement,
  labels: Labels,
): boolean {
  const value = valueOf(labels, key);
  switch (operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
      return value !== undefined && values.includes(value);
    // NotIn: without the label it is not in either (apimachinery's Requirement.Matches).
    default:
      return value === undefined || !values.includes(value);
  }
}

/** A label may be called as something that every object has. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
