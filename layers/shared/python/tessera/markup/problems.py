from tessera.problems import Problem


class TooLong(Problem):
    status, slug, title = 422, "markup-too-long", "The text is too long"


class TooComplex(Problem):
    status, slug, title = 422, "markup-too-complex", "The text is too complicated to be shown"
