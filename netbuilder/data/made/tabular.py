"""Small tables of measurements that need no download, and points in the plane, described."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

Count = Annotated[int, Parameter(ge=10, le=1_000_000)]
Noise = Annotated[float, Parameter(ge=0.0, le=10.0, allow_inf_nan=False)]
Seed = Annotated[int, Parameter(ge=0, le=2**31 - 1)]


class _Table(Source):
    contents_in: ClassVar[str] = "netbuilder.data.made.tabular_arrays"


class Iris(_Table):
    """150 irises of three species: length and width of sepals and petals, in cm.

    Fisher, The use of multiple measurements in taxonomic problems (1936), as scikit-learn
    ships it. One species lies apart, the other two overlap a little.
    """

    id: ClassVar[str] = "netbuilder.Iris"
    title: ClassVar[str] = "Iris"

    def fields(self) -> tuple[Field, ...]:
        species = ("setosa", "versicolor", "virginica")
        meaning = "sepal length, sepal width, petal length, petal width in cm"
        return (
            Field("features", (4,), meaning=meaning),
            Field("label", (), "int64", "the species", high=3, classes=species),
        )


class Wine(_Table):
    """178 wines of three growers of one region: thirteen chemical measurements of each.

    Forina and others (1991), the UCI wine data as scikit-learn ships it. The measurements
    run from below 1 to above 1,000, so normalise them.
    """

    id: ClassVar[str] = "netbuilder.Wine"
    title: ClassVar[str] = "Wine"

    def fields(self) -> tuple[Field, ...]:
        growers = ("grower 1", "grower 2", "grower 3")
        meaning = "alcohol, acids, ash, magnesium, phenols, colour, proline"
        return (
            Field("features", (13,), meaning=meaning),
            Field("label", (), "int64", "who grew it", high=3, classes=growers),
        )


class BreastCancer(_Table):
    """569 tumours: thirty measurements of cell nuclei under the microscope, and what they were.

    Street, Wolberg and Mangasarian (1993), the UCI data of Wisconsin as scikit-learn ships it:
    ten sizes and textures, each as mean, standard error and mean of the three largest. 212 were
    malignant, 357 benign. Normalise the features.
    """

    id: ClassVar[str] = "netbuilder.BreastCancer"
    title: ClassVar[str] = "Breast cancer"

    def fields(self) -> tuple[Field, ...]:
        kinds = ("malignant", "benign")
        meaning = "ten measurements of nuclei: means, errors, largest"
        return (
            Field("features", (30,), meaning=meaning),
            Field("label", (), "int64", "what the tumour was", high=2, classes=kinds),
        )


class Linnerud(_Table):
    """20 men of a fitness club: three exercises, and three measurements of the body.

    Tenenhaus, La régression PLS (1998), as scikit-learn ships it. It is hardly enough to learn
    from, and good to see what that looks like. Normalise both.
    """

    id: ClassVar[str] = "netbuilder.Linnerud"
    title: ClassVar[str] = "Linnerud"

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("features", (3,), meaning="chin-ups, sit-ups and jumps"),
            Field("target", (3,), meaning="weight in pounds, waist in inches, pulse a minute"),
        )


class Moons(_Table):
    """Two half-circles in the plane that reach into each other, made here.

    No straight line parts them: what a single layer can't do and two can.
    """

    id: ClassVar[str] = "netbuilder.Moons"
    title: ClassVar[str] = "Moons"

    count: Count = Parameter(1000, description="Number of points.")
    noise: Noise = Parameter(0.15, description="Standard deviation of the noise.")
    seed: Seed = Parameter(0, description="Other seeds give other points.")

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("point", (2,), meaning="x and y"),
            Field("label", (), "int64", "which moon", high=2, classes=("upper", "lower")),
        )


class Spirals(_Table):
    """Spirals in the plane that wind around each other, made here.

    `arms` are the classes, `turns` how often each winds around the middle: the more, the harder.
    Lang and Witbrock, Learning to tell two spirals apart (1988).
    """

    id: ClassVar[str] = "netbuilder.Spirals"
    title: ClassVar[str] = "Spirals"

    count: Count = Parameter(1500, description="Number of points.")
    arms: Annotated[int, Parameter(ge=2, le=10)] = Parameter(
        3, description="Spirals, each a class."
    )
    turns: Annotated[float, Parameter(gt=0.0, le=10.0, allow_inf_nan=False)] = Parameter(
        1.0, description="How often each winds around the middle."
    )
    noise: Noise = Parameter(0.02, description="Standard deviation of the noise.")
    seed: Seed = Parameter(0, description="Other seeds give other points.")

    def fields(self) -> tuple[Field, ...]:
        arms = tuple(f"arm {number}" for number in range(1, self.arms + 1))
        return (
            Field("point", (2,), meaning="x and y, from -1 to 1"),
            Field("label", (), "int64", "which arm", high=self.arms, classes=arms),
        )


SOURCES: tuple[type[Source], ...] = (Iris, Wine, BreastCancer, Linnerud, Moons, Spirals)
