"""The values of each categorical feature, as one named type per feature.

They are exactly the values of the Ames survey (De Cock, 2011). Contract tests compare them with the data set and with
the categories of the fitted model, in both directions.
"""

from typing import Literal

type MsSubClass = Literal[20, 30, 40, 45, 50, 60, 70, 75, 80, 85, 90, 120, 150, 160, 180, 190]
"""The type of dwelling in the sale, by the survey's code."""

type MsZoning = Literal["A (agr)", "C (all)", "FV", "I (all)", "RH", "RL", "RM"]
"""The zoning of the lot."""

type Street = Literal["Grvl", "Pave"]
"""The type of road access to the property."""

type Alley = Literal["Grvl", "Pave"]
"""The type of alley access to the property."""

type LotShape = Literal["IR1", "IR2", "IR3", "Reg"]
"""The shape of the lot, from regular to very irregular."""

type LandContour = Literal["Bnk", "HLS", "Low", "Lvl"]
"""The flatness of the lot."""

type Utilities = Literal["AllPub", "NoSeWa", "NoSewr"]
"""The utilities available."""

type LotConfig = Literal["Corner", "CulDSac", "FR2", "FR3", "Inside"]
"""The position of the lot relative to the street and its neighbours."""

type LandSlope = Literal["Gtl", "Mod", "Sev"]
"""The slope of the lot."""

type Neighborhood = Literal[
    "Blmngtn",
    "Blueste",
    "BrDale",
    "BrkSide",
    "ClearCr",
    "CollgCr",
    "Crawfor",
    "Edwards",
    "Gilbert",
    "Greens",
    "GrnHill",
    "IDOTRR",
    "Landmrk",
    "MeadowV",
    "Mitchel",
    "NAmes",
    "NPkVill",
    "NWAmes",
    "NoRidge",
    "NridgHt",
    "OldTown",
    "SWISU",
    "Sawyer",
    "SawyerW",
    "Somerst",
    "StoneBr",
    "Timber",
    "Veenker",
]
"""A neighborhood within the city limits of Ames."""

type Condition1 = Literal["Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNe", "RRNn"]
"""The nearest main road, railroad or amenity."""

type Condition2 = Literal["Artery", "Feedr", "Norm", "PosA", "PosN", "RRAe", "RRAn", "RRNn"]
"""A second nearby road, railroad or amenity."""

type BldgType = Literal["1Fam", "2fmCon", "Duplex", "Twnhs", "TwnhsE"]
"""The type of dwelling."""

type HouseStyle = Literal["1.5Fin", "1.5Unf", "1Story", "2.5Fin", "2.5Unf", "2Story", "SFoyer", "SLvl"]
"""The style of dwelling, by its storeys."""

type RoofStyle = Literal["Flat", "Gable", "Gambrel", "Hip", "Mansard", "Shed"]
"""The type of roof."""

type RoofMatl = Literal["ClyTile", "CompShg", "Membran", "Metal", "Roll", "Tar&Grv", "WdShake", "WdShngl"]
"""The material of the roof."""

type Exterior1st = Literal[
    "AsbShng",
    "AsphShn",
    "BrkComm",
    "BrkFace",
    "CBlock",
    "CemntBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "WdShing",
]
"""The main exterior covering."""

type Exterior2nd = Literal[
    "AsbShng",
    "AsphShn",
    "Brk Cmn",
    "BrkFace",
    "CBlock",
    "CmentBd",
    "HdBoard",
    "ImStucc",
    "MetalSd",
    "Other",
    "Plywood",
    "PreCast",
    "Stone",
    "Stucco",
    "VinylSd",
    "Wd Sdng",
    "Wd Shng",
]
"""The second exterior covering. The survey spells three of these differently from the first."""

type MasVnrType = Literal["BrkCmn", "BrkFace", "CBlock", "None", "Stone"]
"""The type of masonry veneer; the value `None` means that the house has none."""

type BuiltGrade = Literal["Ex", "Fa", "Gd", "TA"]
"""A grade without `Po` (poor), which no house of the survey has: excellent, fair, good or typical."""

type Grade = Literal["Ex", "Fa", "Gd", "Po", "TA"]
"""A grade: excellent, fair, good, poor or typical."""

type Foundation = Literal["BrkTil", "CBlock", "PConc", "Slab", "Stone", "Wood"]
"""The type of foundation."""

type BsmtExposure = Literal["Av", "Gd", "Mn", "No"]
"""The exposure of walkout or garden-level basement walls."""

type BsmtFinType = Literal["ALQ", "BLQ", "GLQ", "LwQ", "Rec", "Unf"]
"""The quality of a finished basement area."""

type Heating = Literal["Floor", "GasA", "GasW", "Grav", "OthW", "Wall"]
"""The type of heating."""

type YesNo = Literal["N", "Y"]
"""Yes or no."""

type Electrical = Literal["FuseA", "FuseF", "FuseP", "Mix", "SBrkr"]
"""The electrical system."""

type Functional = Literal["Maj1", "Maj2", "Min1", "Min2", "Mod", "Sal", "Sev", "Typ"]
"""The functionality of the home; anything but `Typ` lowers the value."""

type GarageType = Literal["2Types", "Attchd", "Basment", "BuiltIn", "CarPort", "Detchd"]
"""The location of the garage."""

type GarageFinish = Literal["Fin", "RFn", "Unf"]
"""The interior finish of the garage."""

type PavedDrive = Literal["N", "P", "Y"]
"""Whether the driveway is paved: no, partly or yes."""

type Fence = Literal["GdPrv", "GdWo", "MnPrv", "MnWw"]
"""The quality of the fence."""

type MiscFeature = Literal["Elev", "Gar2", "Othr", "Shed", "TenC"]
"""A feature not covered by other fields."""

type SaleType = Literal["COD", "CWD", "Con", "ConLD", "ConLI", "ConLw", "New", "Oth", "VWD", "WD"]
"""The type of sale."""

type SaleCondition = Literal["Abnorml", "AdjLand", "Alloca", "Family", "Normal", "Partial"]
"""The condition of the sale."""
